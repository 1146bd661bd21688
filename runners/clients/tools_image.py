"""An image with the few tools that copy and measure data, made of the worker's own programs: whatever images an engine
has, and whether it has any, data on it can be put aside.
"""

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors

REPOSITORY = "drbot-tools"
TOOLS = (
    "sh", "chmod", "chown", "cmp", "cp", "cut", "diff", "du", "find", "head", "ls", "mkdir", "mv", "readlink", "rm",
    "rmdir", "sync", "touch",
)  # fmt: skip
ROOT = b"root:x:0:0:root:/:/bin/sh\n"  # helpers are started by this name
SHELL = "bin"  # a link to usr/bin, for scripts that begin with #!/bin/sh
LOADED = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)  # of ldd's output


def tools_image(engine: DockerEngine) -> str:
    """Its name; made once. Raises PermanentError when this host lacks one of them."""
    files = dict(sorted(_files()))
    known = "\n".join(f"{name} {path.stat().st_mtime_ns}" for name, path in files.items())
    digest = hashlib.sha256(ROOT + f"{SHELL}\n{known}".encode())
    name = f"{REPOSITORY}:{digest.hexdigest()[:16]}"
    if not engine.has_image(name):
        repository, _, tag = name.partition(":")
        with docker_errors(phrase("Import the image with the tools that copy data")):
            engine.client.api.import_image_from_data(_packed(files), repository=repository, tag=tag)
    return name


def _files() -> Iterator[tuple[str, Path]]:
    """Where each lies in the image → where it is here."""
    for tool in TOOLS:
        found = shutil.which(tool)
        if found is None:
            raise PermanentError(phrase("The program {program} is not on this host: install it", program=tool))
        yield f"usr/bin/{tool}", Path(found).resolve()
        for library in libraries_of(Path(found).resolve()):
            yield str(library).lstrip("/"), library.resolve()


def libraries_of(program: Path) -> tuple[Path, ...]:
    """What it is linked with, as the loader names it; nothing for one that needs nothing."""
    listed = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    return tuple(Path(path) for path in LOADED.findall(listed))


def _packed(files: dict[str, Path]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        link = tarfile.TarInfo(SHELL)
        link.type, link.linkname = tarfile.SYMTYPE, "usr/bin"
        archive.addfile(link)
        for name, data in {"etc/passwd": ROOT, **{name: path.read_bytes() for name, path in files.items()}}.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
