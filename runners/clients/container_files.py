"""Small files inside a container, running or not: the engine reads them, so the container needs no program for it."""

import io
import tarfile
import threading
from itertools import islice

from docker.errors import NotFound

from drbot.core.base.errors import TemporaryError
from drbot.core.text.messages import phrase
from drbot.runners.clients.byte_streams import IteratorFile
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors

LARGEST_BYTES = 1 << 20
FOLDER = 1 << 31  # of a mode, as the engine writes it
NOTHING = bytes(2 * tarfile.BLOCKSIZE)  # an archive without files
READS, READ_AGAIN_SECONDS = 20, 0.05
_PAUSE = threading.Event()


def files_at(engine: DockerEngine, container: str, path: str, *, folder: bool = False) -> dict[str, bytes]:
    """A file, or the files of a folder, by their paths in what is read; none where there is nothing, or too much.
    Raises TemporaryError where something is written or removed however often it is read.
    """
    for _ in range(READS):
        try:
            with tarfile.open(fileobj=io.BytesIO(_packed(engine, container, path, folder))) as archive:
                members = [(one.name, archive.extractfile(one)) for one in archive.getmembers() if one.isfile()]
                return {name: content.read() for name, content in members if content is not None}
        except tarfile.ReadError:  # the engine ends it where a file changed meanwhile
            _PAUSE.wait(READ_AGAIN_SECONDS)
    raise TemporaryError(phrase("{path} of a container changes while it is read", path=path), kind="busy")


def _packed(engine: DockerEngine, container: str, path: str, folder: bool) -> bytes:
    """As the engine packs it."""
    packed = bytearray()
    with docker_errors(phrase("Read {path} of a container", path=path)):
        try:
            pieces, found = engine.client.api.get_archive(container, path)
            if found.get("linkTarget"):
                pieces, found = engine.client.api.get_archive(container, found["linkTarget"])
        except NotFound:
            return NOTHING
        if found["mode"] & FOLDER and not folder:
            pieces.close()
            return NOTHING
        for piece in pieces:
            packed += piece
            if len(packed) > LARGEST_BYTES:
                return NOTHING
    return bytes(packed)


def is_empty(engine: DockerEngine, container: str, path: str) -> bool:
    """Whether it is a folder with nothing in it; only the beginning of a full one is read."""
    with docker_errors(phrase("Read {path} of a container", path=path)):
        try:
            pieces, found = engine.client.api.get_archive(container, path)
        except NotFound:
            return False
        try:
            with tarfile.open(fileobj=io.BufferedReader(IteratorFile(pieces)), mode="r|") as archive:
                return bool(found["mode"] & FOLDER) and len(list(islice(archive, 2))) == 1
        except tarfile.ReadError:  # something in it is written
            return False
        finally:
            pieces.close()


def text_of(engine: DockerEngine, container: str, path: str) -> str | None:
    """A file's text; None where there is no such file."""
    found = files_at(engine, container, path)
    return next(iter(found.values())).decode(errors="replace") if found else None
