"""Restores a backup beside production to see that it can be: isolated, counted, and nothing of it stays.

PostgreSQL and Redis run without a network on volumes that go with their containers; files are unpacked into such a
volume and counted. What lies in a bucket is read from there, whatever this host remembers of it. Raises PermanentError
with what is wrong with the backup, TemporaryError where it could not be tried, CancelledError.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.full_manifest import DUMP, OWN, REDIS, FullManifest
from drbot.core.site.site import Configuration, Site
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending, size
from drbot.runners.backups.choose_dump import BackupRules, check, rules_for, with_floor
from drbot.runners.backups.choose_full import FullRules, candidates, judged
from drbot.runners.backups.choose_full import with_floor as with_full_floor
from drbot.runners.backups.dump_at_hand import dumps_folder
from drbot.runners.backups.own_checks import asked_of_copy
from drbot.runners.backups.readings import Readings
from drbot.runners.backups.restore_dump import load
from drbot.runners.backups.restore_redis import alone_on, require_as_production, require_keys
from drbot.runners.clients import helper, object_store, scratch_redis
from drbot.runners.clients.backup_reader import BackupReader, Pieces, Sql
from drbot.runners.clients.backup_store import Backup
from drbot.runners.clients.byte_streams import Digested
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.container_labels import RUN_LABEL, STEP_LABEL
from drbot.runners.clients.document_archive import CONFIGURATION, RDB, SQL, members, settings
from drbot.runners.clients.dump_store import StoredDump
from drbot.runners.clients.free_room import COPY, free_bytes
from drbot.runners.clients.full_store import FullBackup, full_stores
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.redis_alone import RedisAlone
from drbot.runners.clients.scratch_postgres import Scratch
from drbot.runners.clients.snapshot_shape import Shape
from drbot.runners.clients.streams import feed_command
from drbot.runners.clients.survivors import remove_survivors
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.foundation.watching import Cancelled, Progress
from drbot.store.base.file_modes import PRIVATE_FOLDER

WORK, VOLUME = "work", "volume"
"""Values of STEP_LABEL: what works, and the containers that the volumes go with."""
ROOM = 2 * COPY
"""Free bytes per byte of SQL and files: as much as a copy takes, and a recovery's own copy beside it."""
INSIDE = "/files"
NO_VOLUME = "none"  # nothing is put there
COUNT = ("sh", "-c", f"find {INSIDE} -mindepth 1 -printf x | wc -c")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """Where backups of a site are tried. `run`: the name that all its containers carry, and its folder."""

    configuration: Configuration
    site_name: str
    clients: Clients
    run: str
    cancelled: Cancelled
    progress: Progress
    room: float = ROOM

    @property
    def site(self) -> Site:
        return self.configuration.site(self.site_name)

    @property
    def folder(self) -> Path:
        return dumps_folder(self.clients.settings.home, self.site_name) / self.run

    @property
    def cache(self) -> Path:
        """Empty at first: what this host remembers of a bucket does not prove that it is there still."""
        return self.folder / "cache"

    @property
    def dump_rules(self) -> BackupRules:
        return rules_for(self.clients, self.configuration.system, self.site_name, self.cancelled, self.progress)

    @property
    def reading_rules(self) -> BackupRules:
        """The same for who has to read a dump whatever is known of it."""
        return replace(self.dump_rules, readings=Readings(self.clients.settings.home, anew=True))

    @property
    def labels(self) -> Mapping[str, str]:
        return {RUN_LABEL: self.run, STEP_LABEL: WORK}

    @property
    def image(self) -> str:
        """One with a shell and tar."""
        return tools_image(self.clients.docker)

    def require_ready(self) -> None:
        """Raise TemporaryError where what is missing is not the backup's fault."""
        if self.site.postgres is None:
            return
        try:
            image = self.clients.postgres.recipe(self.cancelled).image
        except PermanentError as error:
            raise TemporaryError(str(error), kind="starting") from error
        if not self.clients.docker.has_image(image):
            raise TemporaryError(phrase("the image {image} is not on this host", image=image), kind="starting")

    def volume(self) -> AbstractContextManager[str]:
        labels = {RUN_LABEL: self.run, STEP_LABEL: VOLUME}
        return helper.throw_away_volume(self.clients.docker, self.image, labels)

    def clear(self) -> None:
        """What a try has left; the volumes go with the last container."""
        for step in (WORK, VOLUME):
            remove_survivors(self.clients.docker, self.run, step)
        shutil.rmtree(self.folder, ignore_errors=True)


def prove_dump(bench: Bench, backup: Backup) -> BackupIdentity:
    rules, manifest = bench.dump_rules, backup.manifest
    identity = with_floor(check(backup, rules), bench.clients.backups, rules)
    require_room(bench, backup.sql_bytes)
    reader = BackupReader(backup, bench.progress, bench.cancelled, from_disk=True)
    restore_postgres(bench, reader, identity, manifest.digests if manifest else {})
    return identity


def prove_copy(bench: Bench, dump: StoredDump, sealed: BackupIdentity) -> BackupIdentity:
    """A copy in a bucket: it is fetched as a recovery fetches it."""
    bench.folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    try:
        object_store.require_room(bench.folder, sealed.size)
    except PermanentError as error:
        raise TemporaryError(str(error), kind="full") from error
    here = dump.store.fetch(dump, bench.folder, sealed.sha256, bench.progress, bench.cancelled)
    return prove_dump(bench, here)


def prove_full(bench: Bench, backup: FullBackup) -> BackupIdentity:
    """A full backup, in the place where it lies: what has to be fetched from there is fetched."""
    postgres = bench.site.postgres
    rules = FullRules(
        system=bench.configuration.system,
        site=bench.site_name,
        databases=postgres.databases if postgres else (),
        files=bench.site.files,
        server_major=bench.clients.postgres.major_version(),
        cancelled=bench.cancelled,
        progress=bench.progress,
    )
    identity = judged(backup, rules)
    if identity.holds.redis:  # before anything is started
        redis_on(bench, NO_VOLUME)
    require_room(bench, identity.unpacked or identity.size)
    if backup.snapshot is None:
        known = candidates(full_stores(bench.configuration, bench.cache), cancelled=bench.cancelled).backups
        restore_archive(bench, backup, with_full_floor(identity, known, rules))
    else:
        restore_snapshot(bench, backup, identity)
    return identity


def restore_snapshot(bench: Bench, backup: FullBackup, identity: BackupIdentity) -> None:
    assert backup.snapshot is not None
    restic, snapshot = backup.store.restic(bench.cancelled), backup.snapshot.id
    manifest = backup.store.manifest(backup, bench.cancelled)
    assert manifest is not None  # it was judged by it
    shape = restic.shape(snapshot)
    if DUMP in shape.own:
        pieces = restic.stream(snapshot, f"{OWN}/{DUMP}")
        source = Pieces(backup.name, pieces, manifest.sql_bytes, bench.progress)
        restore_postgres(bench, source, identity, manifest.digests)
    if REDIS in shape.own:
        restore_redis(bench, restic.stream(snapshot, f"{OWN}/{REDIS}"), manifest)
    restore_files(bench, lambda top: restic.stream(snapshot, top, "--archive=tar"), shape, backup.place)


def restore_archive(bench: Bench, backup: FullBackup, identity: BackupIdentity) -> None:
    """All of one of the document's, on the way from where it lies; it is on no disk here."""
    assert backup.archive is not None
    source = Digested(backup.store.objects.stream(backup.archive, cancelled=bench.cancelled))
    for part in members(source, backup.name, bench.cancelled):
        if part.kind is SQL:
            restore_postgres(bench, Pieces(backup.name, part.unzipped, None, bench.progress), identity, {})
        elif part.kind is RDB:
            restore_redis(bench, part.unzipped, None)
        elif part.kind is CONFIGURATION:
            for _ in settings(part, bench.cancelled):
                pass
        else:
            with bench.volume() as volume:
                unpack(bench, volume, part.unzipped, part.place)
    if source.hexdigest() != identity.sha256:
        raise PermanentError(phrase("{name} was replaced while it was read", name=backup.name))


def restore_postgres(bench: Bench, source: Sql, identity: BackupIdentity, digests: Mapping[str, str]) -> None:
    """Into a server of our own; its rows are those of the backup."""
    postgres = bench.clients.postgres
    with bench.volume() as volume:
        scratch = Scratch(
            engine=bench.clients.docker,
            recipe=postgres.recipe(bench.cancelled),
            user=postgres.settings.user,
            volume=volume,
            name=f"drbot-prove-{volume[:12]}",
            labels=bench.labels,
            cancelled=bench.cancelled,
            gentle=True,
        )
        asked = asked_of_copy(bench.configuration, bench.site)
        load(scratch, source, identity, digests, postgres.major_version(), asked)


def restore_redis(bench: Bench, pieces: Iterable[bytes], manifest: FullManifest | None) -> None:
    """Into a Redis that is run as production's is; it loads every key."""
    with bench.volume() as volume:
        alone = redis_on(bench, volume)
        count, _ = scratch_redis.restore(replace(alone, name=f"drbot-prove-{volume[:12]}"), pieces)
        require_keys(count, manifest.redis if manifest else None)


def redis_on(bench: Bench, volume: str) -> RedisAlone:
    """Production's Redis, as production has it, on this volume. Raises TemporaryError while dr.yml knows none."""
    redis = bench.site.redis
    if redis is None:
        raise TemporaryError(
            phrase("It holds data of Redis, and dr.yml names no `redis` that could load it"), kind="starting"
        )
    alone = alone_on(volume, bench.site, bench.clients, bench.labels, bench.cancelled)
    require_as_production(alone, bench.site.services[redis.service])
    return alone


def restore_files(bench: Bench, stream: Callable[[str], Iterator[bytes]], shape: Shape, place: str) -> None:
    """Settings and files, as many as there are in it."""
    for top, count in sorted(shape.among.items()):
        if top == OWN or not count:
            continue
        with bench.volume() as volume:
            found = unpack(bench, volume, stream(top), place)
        if found != count:
            raise PermanentError(
                phrase("{place}: {found} of {count} entries of {folder} came back", place=place, found=found,
                       count=count, folder=top)
            )  # fmt: skip


def unpack(bench: Bench, volume: str, stream: Iterable[bytes], place: str) -> int:
    """A tar stream into a volume; how many entries are in it then."""
    docker = bench.clients.docker
    order = HelperOrder(
        image=bench.image,
        labels=bench.labels,
        entrypoint=("sleep", "infinity"),
        mounts=(Mount(source=volume, target=INSIDE),),
        user="root",
        confined=True,
        gentle=True,
    )
    with helper.helper(docker, order) as container:
        helper.start(docker, container)
        ended = feed_command(docker, container, ["tar", "-x", "-f", "-", "-C", INSIDE], stream, bench.cancelled)
        counted = docker.execute(container, COUNT, seconds=300)
    if ended.code != 0 or counted.code != 0:
        bad = ended if ended.output else counted
        said = phrase("{place}: its files could not be unpacked: {said}", place=place, said=ending(bad.output, 300))
        raise PermanentError(said, cause=bad.cause)
    return int(counted.output)


def require_room(bench: Bench, need: int) -> None:
    """Raise TemporaryError where a try would take the room that a recovery needs."""
    there, need = free_bytes(bench.clients, bench.labels, bench.cancelled), round(bench.room * need)
    if there < need:
        said = phrase("{size} free on the disk, {need} are needed to try it", size=size(there), need=size(need))
        raise TemporaryError(said, kind="full")
