"""Continuous archiving of a PostgreSQL server as it is, by its own tools: `pg_receivewal` writes what is committed into
a volume beside production, `pg_basebackup` the data that a recovery goes on from into another one.

Both run in helpers of the server's own image, on its network: the official image lets replication in over 127.0.0.1, so
nothing of a compose project changes. On the server there is one replication slot, and no more. What is received while
that slot lives is a series, in a folder that the slot's name tells: data that came from somewhere else has no slot and
begins another one, and data that comes back goes on in its own.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from drbot.core.base.errors import PermanentError
from drbot.core.site.wal import Archive, Base, Series
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.container_labels import PROJECT, helper_name
from drbot.runners.clients.docker_engine import DockerEngine, Executed
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.postgres_server import PostgresServer
from drbot.runners.foundation.watching import Cancelled

WAL, BASES = "/drbot-wal", "/drbot-bases"  # where the two volumes are in helpers
LABEL = "drbot.continuous"  # of what belongs to it: the site
DATA_LABEL = "drbot.continuous.data"  # and whose: two systems on one engine may call a site the same
HEARD_WITHIN = timedelta(minutes=1)
OLDEST = 130_000  # with pg_verifybackup
STAMP = "%Y%m%d_%H%M%S"
_STAMPED = r"\d{8}_\d{6}"
_BASE = re.compile(
    rf"base ({_STAMPED})/(base_{_STAMPED}) (\d{{1,11}}) (\d+) ([0-9A-F]{{24}}) ([0-9a-f]{{64}}) (\d+) (\d+)", re.ASCII
)
_WRITTEN = re.compile(rf"wal ({_STAMPED})/([0-9A-F]{{24}}(?:\.partial)?|begun_{_STAMPED}) (\d{{1,11}})", re.ASCII)
"""A line of LIST. What has another name is not ours: names become words of commands."""
SEGMENTS = frozenset(1 << power for power in range(20, 31))  # as initdb makes them

BEGUN = "begun_"  # a file in the folder of a series, for every time that it was received from then on

TAKE = r"""
set -eu
mkdir -p "$1"
cd "$1"
rm -rf .part
pg_basebackup --pgdata=.part --wal-method=none --checkpoint=fast --no-password --label="$2" \
  --manifest-checksums=SHA256
pg_verifybackup --quiet --no-parse-wal .part
mv .part "$2"
"""
LIST = r"""
cd "$1" 2>/dev/null || exit 0
for one in */base_*; do
  case $one in *[!0-9a-z_/]*) continue ;; esac
  [ -f "$one/backup_label" ] && [ -f "$one/backup_manifest" ] && [ -f "$one/PG_VERSION" ] || continue
  echo base "$one" "$(stat -c %Y "$one/backup_manifest")" \
    "$(pg_controldata -D "$one" | sed -n 's/^Bytes per WAL segment: *//p')" \
    "$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\)).*/\1/p' "$one/backup_label")" \
    "$(sha256sum "$one/backup_manifest" | cut -c 1-64)" "$(du -sk "$one" | cut -f 1)" \
    "$(head -c 9 "$one/PG_VERSION" | tr -dc 0-9)"
done
cd "$2"
for one in [0-9]*_[0-9]*; do
  [ -d "$one" ] && (cd "$one" && stat -c "wal $one/%n %Y" -- *)
done
:
"""
# A receiver that was killed while it made room for a segment leaves zeros of a length that the next one refuses.
BEGIN = r"""
set -eu
mkdir -p "$1"
for one in "$1"/*.partial; do
  [ -f "$one" ] || continue
  [ -n "$(tr -d '\000' < "$one" | head -c 1)" ] || rm -f "$one"
done
touch "$1/begun_$2"
"""
FORGET = r"""
set -eu
for one in "$1"/*/base_*; do [ ! "${one##*/}" \< "$3" ] || rm -rf "$one"; done
for one in "$2"/*; do [ -n "$(ls "$1/${one##*/}" 2>/dev/null)" ] || rm -rf "$one"; done
pg_archivecleanup "$2/$4" "$5"
"""
FOLLOWING = """
SELECT s.slot_name, s.active, coalesce(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), r.flush_lsn), -1),
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0), coalesce(s.wal_status = 'lost', false)
FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid
WHERE s.slot_name ~ '^{slot}_[0-9]{{8}}_[0-9]{{6}}$' ORDER BY s.slot_name DESC LIMIT 1
"""
DROP = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
WHERE slot_name ~ '^{slot}(_[0-9]{{8}}_[0-9]{{6}})?$'
"""
TABLESPACES = "SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')"


@dataclass(frozen=True, kw_only=True, slots=True)
class Following:
    """How the receiver stands, as the server sees it. `behind`: bytes that are committed and not received yet, here or
    by whoever else has the slot; None = nobody receives. `held`: bytes of WAL that the server keeps for the slot.
    `is_lost`: it has kept too little.
    """

    slot: str
    behind: int | None
    held: int
    is_lost: bool = False


class Continuous:
    """Of one site. Raises TemporaryError while the engine or the server does not answer, PermanentError."""

    def __init__(self, engine: DockerEngine, postgres: PostgresServer, site: str, cancelled: Cancelled) -> None:
        self.engine = engine
        self.postgres = postgres
        self.site = site
        self.cancelled = cancelled

    @property
    def wal(self) -> str:
        """The volume, or folder, of what was received."""
        return f"{self.postgres.settings.volume}_wal"

    @property
    def bases_place(self) -> str:
        return f"{self.postgres.settings.volume}_bases"

    @property
    def receiver(self) -> str:
        """The container's name."""
        return helper_name("wal", self.postgres.settings.volume)

    @property
    def slot(self) -> str:
        """How the names of its slots begin."""
        return f"drbot_{re.sub('[^a-z0-9_]', '_', self.site.lower())}"

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL: self.site, DATA_LABEL: self.postgres.settings.volume}

    def refusal(self) -> str | None:
        """Why this server cannot be followed; None: it can."""
        if int(self.postgres.answer("SHOW server_version_num")) < OLDEST:
            return phrase("PostgreSQL is older than 13: its base backups cannot be read back against a manifest")
        if self.postgres.answer("SHOW wal_level") == "minimal":
            return phrase("`wal_level` is minimal: set it to replica, and restart PostgreSQL")
        if beyond := self.beyond_data():
            return beyond
        asked = self._run(("psql", "-XAtqw", "replication=true", "-c", "IDENTIFY_SYSTEM"), ())
        return None if asked.code == 0 else phrase("it refuses replication: {said}", said=ending(asked.output, 200))

    def beyond_data(self) -> str | None:
        """Why a base backup would not hold everything; None: it does. One statement of somebody's changes that."""
        if self.postgres.answer(TABLESPACES) == "0":
            return None
        return phrase("it has tablespaces outside of its data folder")

    def start(self) -> str | None:
        """Receive from now on, if nobody does. What there is already stays. Into which series; None: it does so."""
        self._make_places()
        if self.is_receiving():
            return None
        self.engine.remove_helper(self.receiver)
        series = self.series() or self._make_slot()
        self._begin(series)
        words = ("pg_receivewal", "--no-password", f"--slot={self.slot}_{series}", f"--directory={WAL}/{series}")
        order = self._order((*words, "--synchronous"), (Mount(source=self.wal, target=WAL),))
        helper.start(self.engine, helper.create(self.engine, replace(order, name=self.receiver)))
        return series

    def stop(self) -> None:
        """Nobody receives any more, and the server keeps nothing for it; what was received stays."""
        self.engine.remove_helper(self.receiver)
        self.postgres.answer(DROP.format(slot=self.slot))

    def is_receiving(self) -> bool:
        """Whether it runs, into the volume, on the server's network as it is since the server was started last: in an
        older one it hears nothing.
        """
        found, server = self.engine.find(self.receiver), self.postgres.container()
        if found is None or server is None or not found["State"]["Running"]:
            return False
        is_there = found["HostConfig"]["NetworkMode"] == f"container:{server.id}"
        is_newer = found["State"]["StartedAt"] > self.engine.inspect(server.id)["State"]["StartedAt"]
        into = {mount.get("Name") or mount["Source"] for mount in found["Mounts"] if mount["Destination"] == WAL}
        return bool(is_there and is_newer and into == {self.wal})

    def following(self) -> Following | None:
        """None: the server has no slot of ours."""
        said = self.postgres.answer(FOLLOWING.format(slot=self.slot))
        if not said:
            return None
        slot, active, behind, held, lost = said.split("|")
        received = int(behind) if active == "t" and int(behind) >= 0 else None
        return Following(slot=slot, behind=received, held=int(held), is_lost=lost == "t")

    def take_base(self, now: datetime) -> Base:
        """A base backup, read back against its manifest: what a recovery to any later moment begins with. A failure
        leaves none.
        """
        self._make_places()
        name = f"base_{now.astimezone(UTC):{STAMP}}"
        series, beyond = self.series(), self.beyond_data()
        if series is None or beyond is not None:
            raise PermanentError(beyond or phrase("No WAL of PostgreSQL has been received here"))
        order = ("sh", "-c", TAKE, "sh", f"{BASES}/{series}", name)
        self._require(self._run(order, (Mount(source=self.bases_place, target=BASES),)), phrase("Make a base backup"))
        return next(one for one in self.archive().bases if one.name == name)

    def archive(self) -> Archive:
        """What there is, of bases those that are whole; whether or not a server runs."""
        if not self._is_made(self.bases_place) or not self._is_made(self.wal):
            return Archive()
        places = ((self.bases_place, BASES), (self.wal, WAL))
        mounts = tuple(Mount(source=place, target=inside, read_only=True) for place, inside in places)
        said = self._aside(("sh", "-c", LIST, "sh", BASES, WAL), mounts, phrase("List the base backups"))
        lines = said.output.splitlines()
        bases = sorted(_bases_in(lines), key=lambda one: one.name, reverse=True)
        return Archive(bases=tuple(bases), series=_series_in(lines))

    def series(self) -> str | None:
        """Of the data that runs now, as its slot tells; None: it has none."""
        following = self.following()
        return following.slot.removeprefix(f"{self.slot}_") if following is not None else None

    def _begin(self, series: str) -> None:
        """From now on it is received here. A slot that comes before its folder finds it again by its own name."""
        command = ("sh", "-c", BEGIN, "sh", f"{WAL}/{series}", f"{datetime.now(UTC):{STAMP}}")
        self._aside(command, (Mount(source=self.wal, target=WAL),), phrase("Begin to receive WAL"))

    def _make_slot(self) -> str:
        series = f"{datetime.now(UTC):{STAMP}}"
        self.postgres.answer(DROP.format(slot=self.slot))
        made = ("pg_receivewal", "--no-password", f"--slot={self.slot}_{series}", "--create-slot")
        self._require(self._run(made, ()), phrase("Make a replication slot"))
        return series

    def forget_before(self, base: Base) -> None:
        """Base backups that are older than this one, and the WAL that only they need."""
        self._make_places()
        mounts = Mount(source=self.bases_place, target=BASES), Mount(source=self.wal, target=WAL)
        words = ("sh", "-c", FORGET, "sh", BASES, WAL, base.name, base.series, base.first_segment)
        self._aside(words, mounts, phrase("Remove older base backups"))

    def remove_left(self, now: datetime) -> None:
        """Helpers of a worker that was killed: they have ended a while ago, and nobody has heard their word."""
        for one in self.engine.helpers(self.labels):
            state = self.engine.inspect(one)["State"]
            if state["Status"] != "exited":
                continue
            if datetime.fromisoformat(f"{state['FinishedAt'][:19]}+00:00") < now - HEARD_WITHIN:
                self.engine.remove_helper(one)

    def _is_made(self, place: str) -> bool:
        """Raises PermanentError for what somebody else has made: `pgdata` and `pgdata_wal` may be two of one server."""
        found = self.engine.volume(place)
        if found is not None and (found.labels.get(LABEL) != self.site or PROJECT in found.labels):
            raise PermanentError(
                phrase(
                    "{place} is nothing that drbot has made, so it was not touched: rename it, or take "
                    "`continuous` out of dr.yml",
                    place=place,
                )
            )
        return found is not None

    def _make_places(self) -> None:
        for place, inside in ((self.wal, WAL), (self.bases_place, BASES)):
            if not self._is_made(place):
                self.engine.create_volume(place, self.labels)
                mount = (Mount(source=place, target=inside),)
                own = ("sh", "-c", 'chown postgres: "$1" && chmod 0700 "$1"', "sh", inside)
                self._aside(own, mount, phrase("Make {place}", place=place), user="root")

    def _order(self, command: Sequence[str], mounts: tuple[Mount, ...]) -> HelperOrder:
        """On the server's network, as the user to whom its data belongs."""
        order = self.postgres.beside(self.labels, self.cancelled, tuple(command))
        return replace(order, mounts=mounts, user="postgres")

    def _run(self, command: Sequence[str], mounts: tuple[Mount, ...]) -> Executed:
        return helper.run(self.engine, self._order(command, mounts), self.cancelled)

    def read_wal(self, command: Sequence[str]) -> str:
        """What it says of the received WAL, which it only reads; nobody waits for it."""
        mount = Mount(source=self.wal, target=WAL, read_only=True)
        return self._aside(command, (mount,), phrase("Read the WAL"), gentle=True).output

    def _aside(
        self,
        command: Sequence[str],
        mounts: tuple[Mount, ...],
        doing: str,
        *,
        user: str = "postgres",
        gentle: bool = False,
    ) -> Executed:
        """The same without a server, which may be what is lost."""
        image = self.postgres.recipe(self.cancelled).image
        order = HelperOrder(
            image=image,
            labels=self.labels,
            entrypoint=tuple(command),
            mounts=mounts,
            user=user,
            gentle=gentle,
        )
        ended = helper.run(self.engine, order, self.cancelled)
        self._require(ended, doing)
        return ended

    def _require(self, ended: Executed, doing: str) -> None:
        if ended.code != 0:
            raise PermanentError(
                phrase("{doing}: {said}", doing=doing, said=ending(ended.output, 300)), cause=ended.cause
            )


def _bases_in(lines: Sequence[str]) -> Iterator[Base]:
    for found in filter(None, map(_BASE.fullmatch, lines)):  # else it is being made, or removed
        series, name, seconds, segment_bytes, first, digest, kilobytes, version = found.groups()
        if int(segment_bytes) in SEGMENTS:
            yield Base(
                series=series,
                name=name,
                ended_at=datetime.fromtimestamp(int(seconds) + 1, UTC),  # the second is over
                first_segment=first,
                segment_bytes=int(segment_bytes),
                digest=digest,
                size=int(kilobytes) * 1024,
                version=version,
            )


def _series_in(lines: Sequence[str]) -> dict[str, Series]:
    begun: dict[str, list[datetime]] = {}
    written: dict[str, dict[str, datetime]] = {}
    for found in filter(None, map(_WRITTEN.fullmatch, lines)):
        series, name, seconds = found.groups()
        if name.startswith(BEGUN):
            with suppress(ValueError):  # digits that are no time
                begun.setdefault(series, []).append(_stamped(name.removeprefix(BEGUN)))
        else:
            written.setdefault(series, {})[name] = datetime.fromtimestamp(int(seconds), UTC)
    return {
        name: Series(
            begun=tuple(times),
            segments=frozenset(written.get(name, {})),
            written_at=max(written.get(name, {}).values(), default=None),
            written=written.get(name, {}),
        )
        for name, times in begun.items()
    }


def _stamped(said: str) -> datetime:
    return datetime.strptime(said, STAMP).replace(tzinfo=UTC)
