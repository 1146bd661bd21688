"""Continuous archiving of a PostgreSQL server as it is, by its own tools: `pg_receivewal` writes what is committed into
a volume beside production, `pg_basebackup` the data that a recovery goes on from into another one.

Both run in helpers of the server's own image, on its network: the official image lets replication in over 127.0.0.1, so
nothing of a compose project changes. On the server there is one replication slot, and no more. What is received while
that slot lives is a series, in a folder of its own: another cluster, and a slot that was lost, begin another one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from drbot.core.base.errors import PermanentError
from drbot.core.site.wal import Base, gap_in, segments_a_log
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
OLDEST = 130_000  # with pg_verifybackup
STAMP = "%Y%m%d_%H%M%S"
_STAMPED = r"\d{8}_\d{6}"
_BASE = re.compile(rf"({_STAMPED}_\d+)/(base_{_STAMPED}) (\d{{1,11}}) (\d+) ([0-9A-F]{{24}})", re.ASCII)
"""A line of LIST. What has another name is not ours: names become words of commands."""
SEGMENTS = frozenset(1 << power for power in range(20, 31))  # as initdb makes them

TAKE = r"""
set -eu
mkdir -p "$1"
cd "$1"
rm -rf .part
pg_basebackup --pgdata=.part --wal-method=none --checkpoint=fast --no-password --label="$2"
pg_verifybackup --quiet --no-parse-wal .part
mv .part "$2"
"""
LIST = r"""
cd "$1" 2>/dev/null || exit 0
for one in */base_*; do
  [ -f "$one/backup_label" ] || continue
  echo "$one" "$(stat -c %Y "$one/backup_manifest")" \
    "$(pg_controldata -D "$one" | sed -n 's/^Bytes per WAL segment: *//p')" \
    "$(sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\)).*/\1/p' "$one/backup_label")"
done
"""
SERIES = 'ls -d "$1"/*_"$2" 2>/dev/null | sort | tail -n 1'
WRITTEN_LAST = 'ls -t "$1"/*/* 2>/dev/null | head -n 1'
FORGET = r"""
set -eu
for one in "$1"/*/base_*; do [ ! "${one##*/}" \< "$3" ] || rm -rf "$one"; done
for one in "$2"/*; do [ -n "$(ls "$1/${one##*/}" 2>/dev/null)" ] || rm -rf "$one"; done
pg_archivecleanup "$2/$4" "$5"
"""
FOLLOWING = """
SELECT s.active, coalesce(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), r.flush_lsn), -1),
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0), coalesce(s.wal_status = 'lost', false)
FROM pg_replication_slots s LEFT JOIN pg_stat_replication r ON r.pid = s.active_pid WHERE s.slot_name = '{slot}'
"""
DROP = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '{slot}'"
TABLESPACES = "SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')"


@dataclass(frozen=True, kw_only=True, slots=True)
class Following:
    """How the receiver stands, as the server sees it. `behind`: bytes that are committed and not received yet; None =
    nobody receives. `held`: bytes of WAL that the server keeps for the slot. `is_lost`: it has kept too little.
    """

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
        return f"drbot_{re.sub('[^a-z0-9_]', '_', self.site.lower())}"

    @property
    def labels(self) -> dict[str, str]:
        return {LABEL: self.site}

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
        known = self.series() if self.following() is not None else None  # none: of data that came back nothing is kept
        series = known or self._begin_series()
        words = ("pg_receivewal", "--no-password", f"--slot={self.slot}", f"--directory={WAL}/{series}")
        order = self._order((*words, "--synchronous"), (Mount(source=self.wal, target=WAL),))
        helper.start(self.engine, helper.create(self.engine, replace(order, name=self.receiver)))
        return series

    def stop(self) -> None:
        """Nobody receives any more, and the server keeps nothing for it; what was received stays."""
        self.engine.remove_helper(self.receiver)
        self.postgres.answer(DROP.format(slot=self.slot))

    def is_receiving(self) -> bool:
        """Whether it runs on the server's network as it is since the server was started last: in an older one it hears
        nothing.
        """
        found, server = self.engine.find(self.receiver), self.postgres.container()
        if found is None or server is None or not found["State"]["Running"]:
            return False
        is_there = found["HostConfig"]["NetworkMode"] == f"container:{server.id}"
        is_newer = found["State"]["StartedAt"] > self.engine.inspect(server.id)["State"]["StartedAt"]
        return bool(is_there and is_newer)

    def following(self) -> Following | None:
        """None: the server has no slot of ours."""
        said = self.postgres.answer(FOLLOWING.format(slot=self.slot))
        if not said:
            return None
        active, behind, held, lost = said.split("|")
        received = int(behind) if active == "t" and int(behind) >= 0 else None
        return Following(behind=received, held=int(held), is_lost=lost == "t")

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
        return next(one for one in self.bases() if one.name == name)

    def bases(self) -> tuple[Base, ...]:
        """The newest first; those that are whole."""
        if not self._is_made(self.bases_place):
            return ()
        mount = Mount(source=self.bases_place, target=BASES, read_only=True)
        said = self._aside(("sh", "-c", LIST, "sh", BASES), (mount,), phrase("List the base backups"))
        return tuple(sorted(_bases_in(said.output.splitlines()), key=lambda one: one.name, reverse=True))

    def series(self) -> str | None:
        """The newest one of the cluster that runs: data that came back goes on where it was left."""
        said = self._of_wal(("sh", "-c", SERIES, "sh", WAL, self.postgres.identity().system_identifier))
        return said.output.rpartition("/")[2] or None

    def written_last(self) -> str | None:
        """The series to which something was written last, whether or not a server runs."""
        return (
            self._of_wal(("sh", "-c", WRITTEN_LAST, "sh", WAL)).output.removeprefix(f"{WAL}/").partition("/")[0] or None
        )

    def received(self, series: str) -> tuple[str, ...]:
        """Names of its segments, `.partial` too."""
        return tuple(self._of_wal(("ls", f"{WAL}/{series}")).output.split())

    def _of_wal(self, command: tuple[str, ...]) -> Executed:
        self._is_made(self.wal)
        mount = Mount(source=self.wal, target=WAL, read_only=True)
        return self._aside(command, (mount,), phrase("Look at the WAL that was received"))

    def _begin_series(self) -> str:
        """Its folder. That comes first: a slot without one would go on in an older series."""
        series = f"{datetime.now(UTC):{STAMP}}_{self.postgres.identity().system_identifier}"
        folder = ("mkdir", f"{WAL}/{series}")
        self._aside(folder, (Mount(source=self.wal, target=WAL),), phrase("Begin to receive WAL"))
        self.postgres.answer(DROP.format(slot=self.slot))
        made = ("pg_receivewal", "--no-password", f"--slot={self.slot}", "--create-slot")
        self._require(self._run(made, ()), phrase("Make a replication slot"))
        return series

    def gap_since(self, base: Base) -> str | None:
        """The first segment that is missing of what a recovery from this base needs; None: all is there."""
        return gap_in(self.received(base.series), base.first_segment, segments_a_log(base.segment_bytes))

    def forget_before(self, base: Base) -> None:
        """Base backups that are older than this one, and the WAL that only they need."""
        self._make_places()
        mounts = Mount(source=self.bases_place, target=BASES), Mount(source=self.wal, target=WAL)
        words = ("sh", "-c", FORGET, "sh", BASES, WAL, base.name, base.series, base.first_segment)
        self._aside(words, mounts, phrase("Remove older base backups"))

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

    def _aside(
        self, command: Sequence[str], mounts: tuple[Mount, ...], doing: str, *, user: str = "postgres"
    ) -> Executed:
        """The same without a server, which may be what is lost."""
        image = self.postgres.recipe(self.cancelled).image
        order = HelperOrder(
            image=image, name=None, labels=self.labels, entrypoint=tuple(command), mounts=mounts, user=user
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
        series, name, seconds, segment_bytes, first = found.groups()
        if int(segment_bytes) in SEGMENTS:
            yield Base(
                series=series,
                name=name,
                ended_at=datetime.fromtimestamp(int(seconds) + 1, UTC),  # the second is over
                first_segment=first,
                segment_bytes=int(segment_bytes),
            )
