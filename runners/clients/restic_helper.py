"""restic in a container without a network: what lies in volumes is only seen from there.

The worker's own restic goes in, with the libraries it needs, so that it runs in whatever image is there.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.process import values_of
from drbot.runners.clients.restic import ENVIRONMENT, PROGRAM
from drbot.runners.clients.streams import output_of
from drbot.runners.clients.tools_image import libraries_of
from drbot.runners.foundation.watching import Cancelled
from drbot.store.base.file_modes import PRIVATE_FOLDER

TOOL, REPOSITORY = "/restic", "/repository"
# What root writes in there belongs to whoever owns the repository.
SCRIPT = f"""
{TOOL}/run "$@" 2>&1
code=$?
[ "$OWNER" = 0:0 ] || chown -R "$OWNER" {REPOSITORY} 2> /dev/null || true
exit $code
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResticHelper:
    """Runs restic in a helper; `mounts` beside the repository's folder. An Execute of runners/clients/restic.py."""

    engine: DockerEngine
    image: str
    labels: Mapping[str, str]
    tool: Path  # `portable`
    repository: Path
    mounts: tuple[Mount, ...]
    writes: bool  # into the repository
    secrets: Mapping[str, str]  # `keys` of the repository
    cancelled: Cancelled
    pinned: Mapping[str, str] = field(default_factory=dict)  # of `mounts`, as HelperOrder has it

    def __call__(self, arguments: Sequence[str], on_line: Callable[[str], None], *, values: Sequence[str] = ()) -> int:
        """Its exit code; what it says is heard. Raises TemporaryError, CancelledError."""
        rest, errors = b"", bytearray()
        words = [*arguments, *values_of(PROGRAM, values)]
        with helper.helper(self.engine, self._order(words)) as container:
            for piece in output_of(self.engine, container, errors, self.cancelled):
                whole, _, rest = (rest + piece).rpartition(b"\n")
                for line in whole.splitlines():
                    on_line(line.decode(errors="replace"))
            code = helper.wait(self.engine, container, self.cancelled)
            helper.require_not_ended(self.engine, container)
        for line in (rest, *bytes(errors).splitlines()):
            on_line(line.decode(errors="replace"))
        return code

    def _order(self, words: Sequence[str]) -> HelperOrder:
        own = (
            Mount(source=str(self.tool), target=TOOL, read_only=True),
            Mount(source=str(self.repository), target=REPOSITORY, read_only=not self.writes),
        )
        return HelperOrder(
            image=self.image,
            labels=self.labels,
            entrypoint=("sh", "-c", SCRIPT, "sh", *words),
            mounts=(*own, *self.mounts),
            environment={
                **ENVIRONMENT,
                **self.secrets,
                "RESTIC_REPOSITORY": REPOSITORY,
                "OWNER": f"{os.geteuid()}:{os.getegid()}",
            },
            user="root",
            keeps_log=False,
            pinned=self.pinned,
        )


def portable(home: Path) -> Path:
    """A folder below `home` with the program, its libraries, and `run`. Raises PermanentError."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise PermanentError(phrase("{program} is not on this host: install it", program=PROGRAM))
    program = Path(found).resolve()
    folder = home / "tools" / f"{PROGRAM}-{program.stat().st_mtime_ns}"
    if folder.exists():
        return folder
    part = folder.with_name(f"{folder.name}.{os.getpid()}")
    part.mkdir(parents=True, mode=PRIVATE_FOLDER)
    libraries = libraries_of(program)
    for path in (program, *libraries):
        shutil.copy(path, part / path.name)
    loader = next((path.name for path in libraries if path.name.startswith("ld-")), None)
    start = f"{TOOL}/{loader} --library-path {TOOL} {TOOL}/{program.name}" if loader else f"{TOOL}/{program.name}"
    (part / "run").write_text(f'#!/bin/sh\nexec {start} "$@"\n')
    (part / "run").chmod(0o755)
    try:
        part.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(part)
    return folder
