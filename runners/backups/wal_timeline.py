"""What was received of a server, told by its own `pg_waldump`: commits a minute, and what has deleted much.

It is summarised where it is read, in a helper of the server's image that nobody waits for: hours of WAL are gigabytes.
Without wal_level logical a TRUNCATE or DROP TABLE is no record of its own. It is told by what every change of tables
does: it locks them, it writes into the catalogs, and its commit names the files that go.
"""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.wal import Archive, Base, newest_run, place_of, segments_a_log, to_the_second
from drbot.core.site.wal_timeline import SHOWN, Event, Names, Read, Timeline, is_end, most_telling, named, read
from drbot.core.text.messages import phrase
from drbot.core.text.words import ending
from drbot.runners.backups.moments import goal_of
from drbot.runners.clients.continuous import WAL, Continuous
from drbot.runners.clients.postgres_server import PostgresServer

SECONDS = 20  # for reading, and once more for as much of the newest as was read in that time
SHARE = 0.7  # of it: what comes last may be dense
NAMED = 10 * SHOWN  # events whose tables are looked up: those of indexes and catalogs fall out

# Of awk only what mawk and busybox have; older ones write large numbers with six digits, so what names something stays
# text. A transaction is kept until its end, so few are at a time.
TELL = r"""
BEGIN { FS = ", "; least = 20; enough = 2000 }
/^code / { print; next }
$3 !~ /^lsn: / { next }
{ xid = digits($2); until = substr($3, 6) }
/^rmgr: Heap/ {
  if (!match($0, /desc: [A-Z_]+/)) next
  did = substr($0, RSTART + 6, RLENGTH - 6)
  if (did == "HOT_UPDATE") did = "UPDATE"
  if (did != "DELETE" && did != "UPDATE" && did != "INSERT") next
  if (!match($0, /blkref #0: rel [0-9]+\/[0-9]+\/[0-9]+/)) next
  split(substr($0, RSTART + 16, RLENGTH - 16), rel, "/")
  file = rel[3]
  if (file + 0 >= 16384 ? did != "INSERT" : file == 1247 || file == 1249 || file == 1259)
    add(xid, tolower(did) "=" rel[2] "/" file)
  next
}
/^rmgr: Standby .*desc: LOCK / {
  rest = $0
  while (match(rest, /xid [0-9]+ db [0-9]+ rel [0-9]+/)) {
    split(substr(rest, RSTART, RLENGTH), word, " ")
    if (word[6] + 0 >= 16384) add(word[2], "lock=" word[4] "/" word[6])
    rest = substr(rest, RSTART + RLENGTH)
  }
  next
}
/^rmgr: Database .*desc: DROP/ {
  if (match($0, /[0-9]+\/[0-9]+ *$/)) {
    split(substr($0, RSTART, RLENGTH), word, "/")
    add(xid, "database=" digits(word[2]))
    prior[xid] = before == "" ? "-" : before
  }
  next
}
/^rmgr: Transaction .*desc: (COMMIT|ABORT)/ {
  match($0, /desc: (COMMIT|ABORT)[A-Z_]* ([0-9]+: )?[0-9]+-[0-9]+-[0-9]+ [0-9:.]+/)
  words = split(substr($0, RSTART, RLENGTH), word, " ")
  if (words == 5) xid = digits(word[3])
  when = word[words - 1] "T" word[words]
  is_commit = word[2] ~ /^COMMIT/
  files = match($0, /; rels: [^;]+/) ? split(substr($0, RSTART + 8, RLENGTH - 8), word, " ") : 0
  gather(xid)
  if (match($0, /; subxacts: [0-9 ]+/)) {
    subs = split(substr($0, RSTART + 12, RLENGTH - 12), word, " ")
    for (sub_ = 1; sub_ <= subs; sub_++) gather(word[sub_])
  }
  if (is_commit) tell()
  delete prior[xid]
  for (one = 1; one <= found; one++) delete sum[kind[one]]
  found = 0
}
function digits(x) { gsub(/[^0-9]/, "", x); return x }
function add(x, what) {
  if (!((x, what) in count)) kinds[x] = kinds[x] " " what
  count[x, what]++
}
function gather(x,   all, one, of_x) {
  all = split(kinds[x], of_x, " ")
  for (one = 1; one <= all; one++) {
    if (!(of_x[one] in sum)) kind[++found] = of_x[one]
    sum[of_x[one]] += count[x, of_x[one]]
    delete count[x, of_x[one]]
  }
  delete kinds[x]
}
function tell(   one, is_told, locks, line) {
  is_told = files > 0
  for (one = 1; one <= found; one++) {
    if (kind[one] ~ /^lock/) { if (++locks > 20) continue }
    else if (kind[one] ~ /^database/) is_told = 1
    else if (kind[one] ~ /^(delete|update)/ && kind[one] !~ /\/(1247|1249|1259)$/) {
      if (sum[kind[one]] < least) continue
      is_told = 1
    }
    line = line " " kind[one] ":" sum[kind[one]]
  }
  if (line ~ /lock=/ && line ~ /update=[0-9]+\/(1249|1259):/) is_told = 1
  if (is_told && lines < 20000) {
    print "commit", when, (xid in prior ? prior[xid] : "-"), files line
    for (lines += 1 + int(length(line) / 100); lines >= enough; enough += 2000) least *= 10
  }
  if (first == "") first = when
  before = when
  minute[substr(when, 1, 16)]++
}
END {
  for (one in minute) print "minute", one, minute[one]
  print "until", until; print "first", first; print "last", before; print "least", least
}
"""
# The WAL's folder, the timeline under whose name all is read, the first and the last segment, seconds, the awk program,
# options.
READ = r"""
set -u
export TZ=UTC LC_ALL=C
mkdir /tmp/wal
cd "$1" || exit 1
for one in *.partial *[0-9A-F]; do
  name="${one%.partial}"
  [ "${#name}" -ne 24 ] || ln -sf "$1/$one" "/tmp/wal/$2${name#????????}"
done
{ timeout "$5" pg_waldump $7 --path=/tmp/wal "$3" "$4" 2>/tmp/said; echo "code $?"; } | awk "$6"
echo "error $(tail -n 1 /tmp/said)"
"""
# Not LogicalMessage: everybody may write one, and it is printed as it is, with lines that look like other records.
ONLY = "--rmgr=Heap --rmgr=Standby --rmgr=Database --rmgr=Transaction"
TAKES_SEVERAL = 15  # from this version on pg_waldump does
DATABASES = "SELECT json_agg(json_build_array(oid::bigint, datname)) FROM pg_database WHERE datallowconn"
NAMES = """
SELECT coalesce(json_agg(json_build_array(k::bigint, n.nspname || '.' || c.relname, c.relkind)), '[]')
FROM unnest('{{{numbers}}}'::oid[]) AS k JOIN pg_class c ON c.oid IN (k, pg_filenode_relation(0, k))
JOIN pg_namespace n ON n.oid = c.relnamespace
"""


def timeline_of(continuous: Continuous, since: datetime, now: datetime, seen_at: datetime | None) -> Timeline:
    """Of what was received since then. Raises PermanentError where nothing was, TemporaryError."""
    archive = continuous.archive()
    base = archive.base_for(None, now)
    doubts: list[str] = []
    oldest = min(one.ended_at for one in archive.bases if one.series == base.series)
    if since < oldest:
        since = oldest
        doubts.append(phrase("There is no way back to what is older."))
    run, missing = newest_run(archive.series[base.series], since, segments_a_log(base.segment_bytes))
    if missing:
        doubts.append(phrase("The WAL segment {name} is missing: what is older was not looked at.", name=missing))
    if not run:
        return Timeline(since=since, until=now, doubts=tuple(doubts))
    found, more = _newest_of(continuous, base, run)
    likely = most_telling((one for one in found.events if one.at >= since), NAMED)
    events = most_telling(named(likely, names_of(continuous.postgres, likely)), SHOWN)
    return Timeline(
        since=since,
        until=now,
        minutes={minute: count for minute, count in found.minutes.items() if minute >= since.replace(second=0)},
        events=tuple(_reachable(one, archive, now, seen_at) for one in events),
        doubts=(*doubts, *more),
    )


def _newest_of(continuous: Continuous, base: Base, run: tuple[str, ...]) -> tuple[Read, list[str]]:
    """As much as can be read in the time, and what that is not."""
    size = base.segment_bytes
    only = ONLY if int(base.version or 0) >= TAKES_SEVERAL else ""

    def told(segments: tuple[str, ...]) -> Read:
        ends = (segments[0][:8], segments[0], segments[-1])
        words = ("sh", "-c", READ, "sh", f"{WAL}/{base.series}", *ends, str(SECONDS), TELL, only)
        return read(continuous.read_wal(words).splitlines(), size)

    doubts: list[str] = []
    found = told(run)
    if found.is_late:
        done = (found.place or 0) - place_of(run[0], size)
        found = told(run[-max(1, int(done * SHARE)) :])
        doubts.append(_newest_alone(found))
    return found, doubts + _doubts(found, run[-1], size)


def _newest_alone(found: Read) -> str:
    begin = to_the_second(found.first) if found.first else "?"
    return phrase(
        "There is more than can be read in {seconds} s: what is older than {begin} UTC was not looked at.",
        seconds=SECONDS,
        begin=begin,
    )


def _doubts(found: Read, newest: str, size: int) -> list[str]:
    last = to_the_second(found.last) if found.last else "?"
    said: list[str] = []
    if found.is_late:
        said.append(phrase("What is newer than {last} UTC was not looked at: it took too long.", last=last))
    elif not is_end(found, place_of(newest, size), newest, size):
        why = ending(found.fault, 200)
        said.append(phrase("What is newer than {last} UTC could not be read: {why}", last=last, why=why))
    if found.least > 20:
        said.append(phrase("There is much: of deletes and updates only those of {rows} rows or more are shown.",
                           rows=found.least))  # fmt: skip
    return said


def _reachable(event: Event, archive: Archive, now: datetime, seen_at: datetime | None) -> Event:
    try:
        goal_of(archive, event.moment, now, seen_at)
    except PermanentError:
        return replace(event, reachable=False)
    return event


def names_of(postgres: PostgresServer, events: Iterable[Event]) -> Names:
    """As far as the server answers: it may be what is lost."""
    wanted: dict[int, set[int]] = {}
    for database, number in (one for event in events for one in event.relations):
        wanted.setdefault(database, set()).add(number)
    databases: dict[int, str] = {}
    relations: dict[tuple[int, int], tuple[str, str]] = {}
    try:
        for oid, name in json.loads(postgres.answer(DATABASES)):
            numbers = wanted.get(oid)
            if numbers:
                said = postgres.answer(NAMES.format(numbers=",".join(map(str, sorted(numbers)))), name)
                relations |= {(oid, key): (f"{table}", kind) for key, table, kind in json.loads(said)}
            databases[oid] = name
    except TemporaryError:
        pass
    return Names(databases=databases, relations=relations)
