"""certbot: the names' certificate from an ACME server, and whether a certificate would do."""

import os
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.site import Certificate
from drbot.core.text.messages import phrase
from drbot.runners.clients.process import Bounds, run_process
from drbot.store.base.file_modes import public_folder

ASK_SECONDS = 10


class Certbot:
    """Keeps its account and what it got below `folder`, so that a second try does not ask for everything anew."""

    def __init__(self, settings: Certificate, folder: Path) -> None:
        self.settings = settings
        self._folder = folder

    @property
    def issued(self) -> Path:
        """The folder with fullchain.pem and privkey.pem."""
        return self._folder / "live" / self.settings.names[0]

    def require(self) -> None:
        """certbot is there and the ACME server answers. Raises PermanentError, TemporaryError."""
        if shutil.which("certbot") is None:
            raise PermanentError(phrase("certbot is not installed on the worker's host"))
        trust = ssl.create_default_context(cafile=str(self.settings.trust) if self.settings.trust else None)
        try:
            answer = httpx.get(self.settings.directory, verify=trust, timeout=ASK_SECONDS, trust_env=False)
        except httpx.HTTPError as error:
            raise TemporaryError(
                phrase("{what}: {why}", what=self.settings.directory, why=str(error) or type(error).__name__)
            ) from error
        if answer.status_code != 200:
            raise TemporaryError(
                phrase("{url} answers {status}", url=self.settings.directory, status=answer.status_code)
            )

    def issue(self, address: str | None, bounds: Bounds, on_line: Callable[[str], None]) -> Path:
        """Get the certificate; the answers to the challenges are served on `address`. Returns `issued`."""
        folders = (f"--{kind}-dir={self._folder / extra}" for kind, extra in FOLDERS)
        command = [
            *("certbot", "certonly", "--standalone", "--non-interactive", "--agree-tos", "--keep-until-expiring"),
            *("--no-random-sleep-on-renew", f"--email={self.settings.email}", f"--server={self.settings.directory}"),
            f"--http-01-port={self.settings.http_port}",
            *((f"--http-01-address={address}",) if address else ()),
            *folders,
            *(f"--domains={name}" for name in self.settings.names),
        ]
        environment = {"REQUESTS_CA_BUNDLE": str(self.settings.trust)} if self.settings.trust else {}
        ended = run_process(command, bounds, on_line, environment=environment)
        if ended.code != 0:
            said = " ".join(line.strip() for line in ended.lines[-6:] if line.strip())
            raise TemporaryError(phrase("certbot ended with {code}: {said}", code=ended.code, said=said))
        return self.issued

    def install(self, folder: Path) -> None:
        """Chain and key to where the front expects them: each whole at any moment, and what was there beside it."""
        public_folder(folder)
        for name, mode in (("privkey.pem", 0o600), ("fullchain.pem", 0o644)):
            fresh = folder / f".{name}.new"
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)  # whatever the umask
                file.write((self.issued / name).read_bytes())
            keep_beside(folder / name)
            fresh.replace(folder / name)


FOLDERS = (("config", ""), ("work", "work"), ("logs", "logs"))


def keep_beside(path: Path) -> None:
    """A second name for a file that is about to be replaced, with the time it was written."""
    if path.exists():
        kept = path.with_name(f"{path.name}.before-{int(path.stat().st_mtime)}")
        if not kept.exists():
            os.link(path, kept)
