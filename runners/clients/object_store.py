"""An S3 bucket: small objects, and downloads that go on where they were cut and are digested as they arrive.

Errors: PermanentError names the permission that is missing; TemporaryError may be tried again and then resumes.
"""

import hashlib
import shutil
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

from botocore.config import Config
from botocore.exceptions import ClientError

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError
from drbot.core.site.site import ObjectStore
from drbot.core.text.messages import phrase
from drbot.core.text.words import size as words_size
from drbot.runners.clients import aws
from drbot.runners.clients.store_errors import store_errors, watch_answers
from drbot.runners.foundation.watching import Cancelled, Progress, never, unheard
from drbot.store.base.file_modes import private

CONNECTIONS = 8
PIECE_BYTES = 1 << 20
LONGEST_DOCUMENT_BYTES = 16 << 20  # of what is read into memory
FAILURES_IN_A_ROW = 4  # without a byte of progress between them
WAIT_SECONDS = 0.5  # doubled with each failure
SILENCE_SECONDS = 20  # after which a connection counts as cut
ROOM_LEFT_BYTES = 64 << 20  # a download never fills a disk to the last byte
_PAUSE = threading.Event()


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One version of one object."""

    key: str
    size: int
    modified_at: datetime
    etag: str = ""
    version: str | None = None  # None where the bucket keeps no versions, and in listings


class ObjectStoreClient:
    """The bucket of `settings`; every key is given without the prefix. Connects at the first use."""

    def __init__(self, settings: ObjectStore, keys: Mapping[str, str] | None = None) -> None:
        """`keys`: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; None = as boto3 finds them."""
        self.settings = settings
        self._keys = keys
        self._made: Any = None  # boto3 makes its clients at run time
        self._making = threading.Lock()

    @property
    def client(self) -> Any:
        """boto3's client; may be used by several threads."""
        with self._making:
            if self._made is None:
                self._made = make_client(self.settings, self._keys)
            return self._made

    def place(self, key: str = "", version: str | None = None) -> str:
        """URL of an object, with its version where there is one."""
        return f"s3://{self.settings.bucket}/{self.settings.prefix}{key}" + (f"?versionId={version}" if version else "")

    def list(self, prefix: str = "") -> tuple[StoredObject, ...]:
        """The newest version of each object whose key begins so."""
        with store_errors("list", self.place(prefix)):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.settings.bucket, Prefix=self.settings.prefix + prefix
            )
            return tuple(self._listed(found) for page in pages for found in page.get("Contents", ()))

    def versions(self, prefix: str = "") -> tuple[StoredObject, ...]:
        """Every version of each object whose key begins so, also of those that were removed since. Raises
        PermanentError where the store has no versions, or the keys in use may not list them.
        """
        with store_errors("list versions", self.place(prefix)):
            pages = self.client.get_paginator("list_object_versions").paginate(
                Bucket=self.settings.bucket, Prefix=self.settings.prefix + prefix
            )
            found = [one for page in pages for one in page.get("Versions", ())]
            return tuple(replace(self._listed(one), version=version_of(one)) for one in found)

    def is_locked(self, stored: StoredObject) -> bool:
        """Whether the store itself keeps this version for now, as far as the keys in use may see that."""
        with store_errors("read", self.place(stored.key, stored.version)):
            found = self.client.head_object(**self._names(stored.key, stored.version))
        until = found.get("ObjectLockRetainUntilDate")
        return until is not None and until > datetime.now(UTC)

    def head(self, key: str, version: str | None = None) -> StoredObject:
        """What is known of an object. Raises PermanentError when there is none."""
        with store_errors("read", self.place(key, version)):
            found = self.client.head_object(**self._names(key, version))
        return StoredObject(
            key=key,
            size=found["ContentLength"],
            modified_at=found["LastModified"].astimezone(UTC),
            etag=found["ETag"],
            version=version_of(found) or version,
        )

    def read(self, key: str, version: str | None = None, *, most: int = LONGEST_DOCUMENT_BYTES) -> bytes:
        """A small object as a whole. Raises PermanentError when it has more than `most` bytes."""
        place = self.place(key, version)
        with store_errors("read", place):
            found = self.client.get_object(**self._names(key, version))
            if found["ContentLength"] > most:
                raise PermanentError(
                    phrase("{place} is larger than {size}: no document of ours", place=place, size=words_size(most))
                )
            return bytes(found["Body"].read())

    def write(self, key: str, data: bytes, *, locked: bool = False) -> str | None:
        """A small object as a whole, verified by S3. Returns its version. `locked`: kept as `lock` in dr.yml says."""
        with store_errors("write", self.place(key)):
            version = version_of(self.client.put_object(**self._names(key), Body=data, ChecksumAlgorithm="SHA256"))
        if locked:
            until = self.keeps_until()
            if until is not None:
                self._lock(key, until, version)
        return version

    def repository_url(self, name: str) -> str:
        endpoint = self.settings.endpoint or f"https://s3.{self.settings.region}.amazonaws.com"
        return f"s3:{endpoint}/{self.settings.bucket}/{self.settings.prefix}{name}"

    def keys(self) -> Mapping[str, str]:
        """For the environment of other programs. Raises PermanentError when there are none."""
        with store_errors("read", self.place()):
            found = self._keys or aws.keys()
        return {"AWS_DEFAULT_REGION": self.settings.region, **found}

    def require_plain(self, name: str) -> None:
        """A bucket holds nothing else than objects."""

    def keep(self, prefix: str) -> None:
        """Make all below undeletable for now, if dr.yml asks and the bucket can; locks of programs are no data."""
        until = self.keeps_until()
        if until is None:
            return
        keys = [stored.key for stored in self.list(prefix) if "/locks/" not in stored.key]
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="lock") as pool:
            list(pool.map(lambda key: self._lock(key, until), keys))

    def pieces(self, key: str, *, version: str | None = None, start: int = 0, etag: str = "") -> Iterator[bytes]:
        """The bytes from `start`, over one connection. Raises PermanentError when it is not `etag` any more."""
        asked = {"Range": f"bytes={start}-"} if start else {}
        if etag:
            asked["IfMatch"] = etag
        place = self.place(key, version)
        with store_errors("read", place):
            try:
                body = self.client.get_object(**self._names(key, version), **asked)["Body"]
            except ClientError as error:
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 412:
                    raise PermanentError(phrase("{place} was replaced while it was read", place=place)) from error
                raise
            try:
                yield from body.iter_chunks(PIECE_BYTES)
            finally:
                body.close()

    def stream(self, stored: StoredObject, *, start: int = 0, cancelled: Cancelled = never) -> Iterator[bytes]:
        """All bytes from `start`; a connection that fails is made again from where it was. Raises TemporaryError when
        several in a row bring nothing, PermanentError, CancelledError.
        """
        position, failures = start, 0
        while position < stored.size:
            try:
                for piece in self.pieces(stored.key, version=stored.version, start=position, etag=stored.etag):
                    position, failures = position + len(piece), 0
                    yield piece
                    if cancelled():
                        raise CancelledError(phrase("Stopped while reading {place}", place=self.place(stored.key)))
                if position < stored.size:
                    raise TemporaryError(
                        phrase(
                            "{place}: the connection ended at byte {position}",
                            place=self.place(stored.key),
                            position=position,
                        )
                    )
            except TemporaryError:
                failures += 1
                if failures >= FAILURES_IN_A_ROW:
                    raise
                wait(WAIT_SECONDS * 2 ** (failures - 1), cancelled)

    def remove(self, key: str) -> None:
        """Remove it; where the bucket keeps versions they stay, as long as its own rules say."""
        with store_errors("remove", self.place(key)):
            self.client.delete_object(**self._names(key))

    def _listed(self, found: Mapping[str, Any]) -> StoredObject:
        return StoredObject(
            key=found["Key"].removeprefix(self.settings.prefix),
            size=found["Size"],
            modified_at=found["LastModified"].astimezone(UTC),
            etag=found.get("ETag", ""),
        )

    def _names(self, key: str, version: str | None = None) -> dict[str, str]:
        names = {"Bucket": self.settings.bucket, "Key": self.settings.prefix + key}
        return names | {"VersionId": version} if version else names

    def _lock(self, key: str, until: datetime, version: str | None = None) -> None:
        """In a request of its own: not every store keeps what it is told at the beginning of an upload in parts."""
        with store_errors("lock", self.place(key, version)):
            self.client.put_object_retention(
                **self._names(key, version), Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until}
            )

    def keeps_until(self) -> datetime | None:
        """Until when what is kept now stays undeletable; None where dr.yml does not ask, or the bucket cannot."""
        if self.settings.lock is None or not self.can_lock():
            return None
        return datetime.now(UTC) + timedelta(seconds=self.settings.lock)

    def can_lock(self) -> bool:
        """Whether the bucket was made with object lock."""
        with store_errors("list", self.place()):
            try:
                found = self.client.get_object_lock_configuration(Bucket=self.settings.bucket)
            except ClientError as error:
                if error.response["Error"]["Code"] == "ObjectLockConfigurationNotFoundError":
                    return False
                raise
        return bool(found["ObjectLockConfiguration"].get("ObjectLockEnabled") == "Enabled")


def make_client(settings: ObjectStore, keys: Mapping[str, str] | None) -> Any:
    """A client that gives up on a silent connection and leaves it to us to go on."""
    given = keys or {}
    # A store that is not Amazon's has no name of its own for each bucket.
    style: Literal["path", "auto"] = "path" if settings.endpoint else "auto"
    config = Config(
        connect_timeout=5,
        read_timeout=SILENCE_SECONDS,
        retries={"total_max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": style},
    )
    made = aws.client_of(
        "s3",
        endpoint_url=settings.endpoint,
        region_name=settings.region,
        config=config,
        aws_access_key_id=given.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=given.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=given.get("AWS_SESSION_TOKEN"),
    )
    watch_answers(made)
    return made


def version_of(answer: Mapping[str, Any]) -> str | None:
    """Its version id; "null" is what S3 says of objects from before versions were turned on."""
    return answer.get("VersionId") or None


class Source(Protocol):
    """Where a download comes from: a bucket, or a folder."""

    def place(self, key: str = "", version: str | None = None) -> str: ...
    def stream(self, stored: StoredObject, *, start: int = 0, cancelled: Cancelled = ...) -> Iterator[bytes]: ...


def download(
    source: Source,
    stored: StoredObject,
    target: Path,
    *,
    sha256: str,
    progress: Progress = unheard,
    cancelled: Cancelled = never,
) -> None:
    """Bring exactly these bytes to `target`. What an earlier attempt left in `<target>.part` is kept and gone on from.
    Raises PermanentError when the digest is another, and removes it; TemporaryError, CancelledError.
    """
    part = target.with_name(target.name + ".part")
    require_room(target.parent, stored.size - (part.stat().st_size if part.exists() else 0))
    digest = hashlib.sha256()
    position = resume(part, digest, stored.size, cancelled)
    try:
        with open(part, "ab", opener=private) as file:
            for piece in source.stream(stored, start=position, cancelled=cancelled):
                file.write(piece)
                digest.update(piece)
                position += len(piece)
                progress(position, stored.size, "bytes")
                if position > stored.size:  # no more of it than it says: the disk is bounded
                    break
    except OSError as error:
        raise PermanentError(
            phrase("{name} cannot be written: {why}", name=target.name, why=error.strerror or error)
        ) from error
    if digest.hexdigest() != sha256 or position != stored.size:
        part.unlink()
        raise PermanentError(
            phrase(
                "{place}: its SHA-256 is not that of the plan: damaged or replaced",
                place=source.place(stored.key, stored.version),
            )
        )
    part.rename(target)


def resume(part: Path, digest: Any, most: int, cancelled: Cancelled) -> int:
    """Digest what is there already; what is longer than the object is not ours and goes."""
    if not part.exists():
        return 0
    if part.stat().st_size > most:
        part.unlink()
        return 0
    with part.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
            if cancelled():
                raise CancelledError(phrase("Stopped while reading {name}", name=part.name))
        return file.tell()


def require_room(folder: Path, need: int) -> None:
    """Raise PermanentError when the disk is too small, before a byte is written."""
    free = shutil.disk_usage(folder).free
    if free < need + ROOM_LEFT_BYTES:
        raise PermanentError(
            phrase(
                "{folder} has {size} free and {need} are needed: the disk is too small",
                folder=folder,
                size=words_size(free),
                need=words_size(need + ROOM_LEFT_BYTES),
            )
        )


def wait(seconds: float, cancelled: Cancelled) -> None:
    """Before the next attempt. Raises CancelledError."""
    if cancelled():
        raise CancelledError(phrase("Stopped while waiting for S3"))
    _PAUSE.wait(seconds)
