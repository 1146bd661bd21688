"""Small files inside a container, running or not: the engine reads them, so the container needs no program for it."""

import io
import tarfile

from docker.errors import NotFound

from drbot.core.text.messages import phrase
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors

LARGEST_BYTES = 1 << 20
FOLDER = 1 << 31  # of a mode, as the engine writes it


def files_at(engine: DockerEngine, container: str, path: str, *, folder: bool = False) -> dict[str, bytes]:
    """A file, or the files of a folder, by their paths in what is read; none where there is nothing, or too much."""
    packed = bytearray()
    with docker_errors(phrase("Read {path} of a container", path=path)):
        try:
            pieces, found = engine.client.api.get_archive(container, path)
            if found.get("linkTarget"):
                pieces, found = engine.client.api.get_archive(container, found["linkTarget"])
        except NotFound:
            return {}
        if found["mode"] & FOLDER and not folder:
            pieces.close()
            return {}
        for piece in pieces:
            packed += piece
            if len(packed) > LARGEST_BYTES:
                return {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = [(one.name, archive.extractfile(one)) for one in archive.getmembers() if one.isfile()]
        return {name: content.read() for name, content in members if content is not None}


def text_of(engine: DockerEngine, container: str, path: str) -> str | None:
    """A file's text; None where there is no such file."""
    found = files_at(engine, container, path)
    return next(iter(found.values())).decode(errors="replace") if found else None
