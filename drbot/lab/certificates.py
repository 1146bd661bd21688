"""An ACME server on loopback: pebble, Let's Encrypt's own for tests. It asks the lab's name server where a name leads
and fetches the challenge's answer from there, as a real one would."""

import json
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase
from drbot.lab.ports import port_of
from drbot.lab.programs import Program

# Real waits and refusals at random are for tests of ACME clients, and certbot has its own.
ENVIRONMENT = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
OWN_CERTIFICATE = (
    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650",
    "-subj", "/CN=the lab's ACME server", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateAuthority:
    """The ACME server of one lab; `names` is host:port of the name server it asks."""

    folder: Path
    names: str

    @property
    def directory(self) -> str:
        """URL for `certificate.directory` in dr.yml."""
        return f"https://127.0.0.1:{self.port('acme')}/dir"

    @property
    def trust(self) -> Path:
        """The certificate of the server itself, for `certificate.trust`."""
        return self.folder / "acme-server.pem"

    @property
    def roots(self) -> Path:
        """The root its certificates lead to, for `certificate.roots`; new at every start."""
        return self.folder / "roots.pem"

    @property
    def http_port(self) -> int:
        """Where it fetches the answers to its challenges, for `certificate.http_port`."""
        return self.port("challenge")

    @property
    def program(self) -> Program:
        command = ("pebble", "-config", "pebble.json", "-dnsserver", self.names)
        return Program(name="acme", folder=self.folder, command=command, environment=ENVIRONMENT)

    def start(self) -> None:
        """Run it. Raises UserError."""
        if self.program.process() is None:
            self.configure()
        self.program.start(self.answers)
        self.roots.write_text(self.get(f"https://127.0.0.1:{self.port('management')}/roots/0"))

    def stop(self) -> None:
        self.program.stop()

    def configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        key = self.folder / "acme-server.key"
        if not self.trust.exists():
            command = [*OWN_CERTIFICATE, "-keyout", str(key), "-out", str(self.trust)]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                tried_it = phrase("Tried to make a certificate for the lab's ACME server.")
                raise UserError(tried_it, done.stderr.strip()[-300:])
        settings = {
            "listenAddress": f"127.0.0.1:{self.port('acme')}",
            "managementListenAddress": f"127.0.0.1:{self.port('management')}",
            "certificate": str(self.trust.resolve()),
            "privateKey": str(key.resolve()),
            "httpPort": self.http_port,
            "tlsPort": self.port("unused"),
        }
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": settings}))

    def answers(self) -> bool:
        try:
            return bool(self.get(self.directory))
        except httpx.HTTPError:
            return False

    def get(self, url: str) -> str:
        return (
            httpx.get(url, verify=ssl.create_default_context(cafile=str(self.trust)), timeout=10)
            .raise_for_status()
            .text
        )

    def port(self, name: str) -> int:
        return port_of(self.folder / f"{name}.port")
