"""Images made of the worker's own programs, with the libraries they need: whatever images an engine has, and whether it
has any or can pull one, what drbot itself needs in a container is there.
"""

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors

TOOLS = (
    "sh", "chmod", "chown", "cmp", "cp", "cut", "df", "diff", "du", "find", "head", "ls", "mkdir", "mv", "readlink",
    "rm", "rmdir", "sleep", "stat", "sync", "tar", "timeout", "touch", "wc",
)  # fmt: skip
ROOT = b"root:x:0:0:root:/:/bin/sh\n"  # helpers are started by this name
SHELL = "bin"  # a link to usr/bin, for scripts that begin with #!/bin/sh
TEMPORARY = "tmp"  # restic packs there what it reads
LOADED = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)  # of ldd's output
LOADERS_CACHE = Path("/etc/ld.so.cache")  # written whenever a library is installed
SBIN = "/usr/sbin:/sbin"  # not on everybody's path


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingredients:
    repository: str
    programs: tuple[str, ...]
    folders: tuple[Path, ...] = ()  # of this host, under the same names
    scripts: Mapping[str, str] = field(default_factory=dict)  # where each lies in the image → what it says


def tools_image(engine: DockerEngine) -> str:
    """The name of the one that copies and measures data. Raises PermanentError when this host lacks a program."""
    return image_of(engine, Ingredients(repository="drbot-tools", programs=TOOLS))


def image_of(engine: DockerEngine, ingredients: Ingredients) -> str:
    """Its name; made once. Raises PermanentError when this host lacks a program."""
    files = dict(sorted(_files(ingredients)))
    known = [
        f"{ROOT!r} {SHELL} {TEMPORARY}",
        *(f"{name} {path.stat().st_mtime_ns}" for name, path in files.items()),
        *ingredients.scripts.values(),
    ]
    digest = hashlib.sha256("\n".join(known).encode()).hexdigest()[:16]
    if not engine.has_image(f"{ingredients.repository}:{digest}"):
        with docker_errors(phrase("Import an image with programs of this host")):
            packed = _packed(files, ingredients.scripts)
            engine.client.api.import_image_from_data(packed, repository=ingredients.repository, tag=digest)
    return f"{ingredients.repository}:{digest}"


def program(name: str) -> Path | None:
    found = shutil.which(name) or shutil.which(name, path=SBIN)
    return Path(found).resolve() if found else None


def _files(ingredients: Ingredients) -> Iterator[tuple[str, Path]]:
    """Where each lies in the image → where it is here."""
    found = {name: program(name) for name in ingredients.programs}
    for name, path in found.items():
        if path is None:
            raise PermanentError(phrase("The program {program} is not on this host: install it", program=name))
        yield f"usr/bin/{name}", path
    inside = [path for folder in ingredients.folders for path in folder.rglob("*") if path.is_file()]
    yield from ((str(path).lstrip("/"), path.resolve()) for path in inside)
    libraries = libraries_of(*filter(None, found.values()), *inside)
    yield from ((str(library).lstrip("/"), library.resolve()) for library in libraries)


def libraries_of(*programs: Path) -> tuple[Path, ...]:
    """What they are linked with, as the loader names it; nothing for one that needs nothing."""
    return _linked(programs, *(one.stat().st_mtime_ns for one in (*programs, LOADERS_CACHE) if one.exists()))


@cache
def _linked(programs: tuple[Path, ...], *changed: int) -> tuple[Path, ...]:
    """As long as neither they nor what is installed changes: every helper needs it, and it takes time to ask."""
    listed = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout
    return tuple(Path(path) for path in dict.fromkeys(LOADED.findall(listed)))


def _packed(files: Mapping[str, Path], scripts: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        link, own = tarfile.TarInfo(SHELL), tarfile.TarInfo(TEMPORARY)
        link.type, link.linkname = tarfile.SYMTYPE, "usr/bin"
        own.type, own.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(link)
        archive.addfile(own)
        for name, data in (
            ("etc/passwd", ROOT),
            *((name, path.read_bytes()) for name, path in files.items()),
            *((name, script.encode()) for name, script in scripts.items()),
        ):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
