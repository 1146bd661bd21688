"""Full backups in a folder: the same as runners/clients/object_store.py offers for a bucket, as far as a folder can."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients.object_store import PIECE_BYTES, StoredObject
from drbot.runners.clients.plain_files import open_plain, stat_plain
from drbot.runners.foundation.watching import Cancelled, never


class FolderStore:
    """Files in one folder; a key is a file's name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def place(self, key: str = "", version: str | None = None) -> str:
        """URL of a file."""
        return f"file:{self.directory}/{key}"

    def list(self, prefix: str = "") -> tuple[StoredObject, ...]:
        """The files whose names begin so; none without the folder. Raises PermanentError when it cannot be read."""
        folder, _, name = prefix.rpartition("/")
        try:
            paths = [path for path in (self.directory / folder).iterdir() if path.name.startswith(name)]
            return tuple(found for path in paths if path.suffix != ".part" for found in stored_plain(path))
        except FileNotFoundError:  # nothing was ever put there, as on a new host
            return ()
        except OSError as error:
            raise PermanentError(
                phrase("{place} cannot be listed: {why}", place=self.place(), why=error.strerror)
            ) from error

    def head(self, key: str, version: str | None = None) -> StoredObject:
        """What is known of a file. Raises PermanentError when there is none."""
        try:
            return stored_at(self.directory / key)
        except OSError as error:
            raise PermanentError(phrase("{what}: {why}", what=self.place(key), why=error.strerror)) from error

    def repository_url(self, name: str) -> str:
        return str(self.directory / name)

    def keys(self) -> Mapping[str, str]:
        """A folder needs none."""
        return {}

    def require_plain(self, name: str) -> None:
        """Nothing below but files and folders, each where a repository has it. restic would wait for the writer of a
        pipe for ever, and try for a quarter of an hour to read a folder as a file. Raises PermanentError.
        """
        for folder, folders, files in os.walk(self.directory / name):
            depth = len(Path(folder).relative_to(self.directory / name).parts)
            deepest = 1 if Path(folder).name == "data" else 0  # "data/4b", and nothing else lies that deep
            odd = folders if depth > deepest else []
            for path in (Path(folder) / one for one in (*files, *odd)):
                try:
                    stat_plain(path)
                except FileNotFoundError:  # gone again, or a link to nowhere, which restic misses by itself
                    continue
                except OSError as error:
                    raise PermanentError(
                        phrase("{path} cannot be read: {why}", path=path, why=error.strerror)
                    ) from error

    def keep(self, prefix: str) -> None:
        """A folder locks nothing."""

    def stream(self, stored: StoredObject, *, start: int = 0, cancelled: Cancelled = never) -> Iterator[bytes]:
        """All bytes from `start`. Raises PermanentError, CancelledError."""
        yield from read_pieces(self.directory / stored.key, start, cancelled)


def stored_plain(path: Path) -> Iterator[StoredObject]:
    """The same of a regular file; nothing of what is none, or is gone again."""
    with suppress(OSError):
        stat_plain(path)
        yield stored_at(path)


def stored_at(path: Path) -> StoredObject:
    found = path.stat()
    return StoredObject(key=path.name, size=found.st_size, modified_at=datetime.fromtimestamp(found.st_mtime, UTC))


def read_pieces(path: Path, start: int, cancelled: Cancelled) -> Iterator[bytes]:
    try:
        with open_plain(path) as file:
            file.seek(start)
            while piece := file.read(PIECE_BYTES):
                yield piece
                if cancelled():
                    raise CancelledError(phrase("Stopped while reading {name}", name=path.name))
    except OSError as error:
        raise PermanentError(phrase("{path} cannot be read: {why}", path=path, why=error.strerror)) from error
