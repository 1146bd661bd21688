"""Fills a volume that nobody uses yet from an RDB file, and proves that production's Redis will load all of it.

A running Redis saves over a file that is copied in, and one with an append-only file ignores it. So production's own
definition is run on the empty volume first: what it makes there is what it will read. Then the file is put in the
place of that, and the same definition has to load every key of it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from drbot.core.base.errors import PermanentError
from drbot.core.text.messages import phrase
from drbot.runners.clients import helper, redis_alone
from drbot.runners.clients.helper import Mount
from drbot.runners.clients.last_words import last_line
from drbot.runners.clients.rdb_check import CHECK, RdbCount, counted, write_and_count
from drbot.runners.clients.redis_alone import RedisAlone

EMPTY_WITHIN_SECONDS, LOADED_WITHIN_SECONDS = 60, 600
# Since Redis 7 a manifest names the base of the append-only file; before, that is one file. An RDB file may be either.
LOOK = """
cd "$1" && find . -type f | while IFS= read -r file; do
    case "$file" in
        *.manifest) sed -n "s|^file \\([^ ]*\\) seq [0-9]* type b.*|base ${file%/*}/\\1|p" "$file" ;;
        *.aof) echo "appended $file" ;;
        *) [ "$(head -c 5 "$file")" = REDIS ] && echo "saved $file" ;;
    esac
done; true
"""
FINISH = f'{CHECK} "$1" && shift && rm -f -- "$@" && sync'
NO_FOLDER = re.compile(r"""'dir "?(/[^"']+)"?' No such file""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where production's Redis has its data, inside of its container."""

    saved: str  # the RDB file
    base: str | None  # of the append-only file, where it keeps one: then the RDB file is not read


def restore(alone: RedisAlone, chunks: Iterable[bytes]) -> tuple[RdbCount, bool]:
    """Fill the empty volume with an RDB file; the keys it has, and whether production appends.

    Raises PermanentError when production's Redis would not load all of it. Afterwards the volume is cold, and on the
    disk.
    """
    programs = redis_alone.programs_of(alone)
    run_on_empty(alone, programs)
    places = look(alone)
    given = put(alone, places, chunks)
    redis_alone.run_once(alone, programs, LOADED_WITHIN_SECONDS)
    loaded = finish(alone, places)
    if (loaded.keys, loaded.expiring) != (given.keys, given.expiring):
        raise PermanentError(
            phrase(
                "Redis, run as its compose file says, loads {keys} of the {held} keys of the backup",
                keys=loaded.keys,
                held=given.keys,
            )
        )
    return given, places.base is not None


def run_on_empty(alone: RedisAlone, programs: dict[str, str]) -> None:
    """It makes its files. A folder of the volume that it only finds, as `dir` may name one, is made for it."""
    try:
        redis_alone.run_once(alone, programs, EMPTY_WITHIN_SECONDS)
    except PermanentError as error:
        missing = NO_FOLDER.search(str(error))
        root = alone.definition.mounted_at
        if missing is None or not missing[1].startswith(f"{root}/"):
            raise
        script = 'mkdir -p "$2" && chown "$(stat -c %u:%g "$1")" "$2"'
        run(alone, script, root, missing[1])
        redis_alone.run_once(alone, programs, EMPTY_WITHIN_SECONDS)


def look(alone: RedisAlone) -> Places:
    """What it has made. Raises PermanentError where that is not in the volume."""
    root = alone.definition.mounted_at
    lines = run(alone, LOOK, root).splitlines()
    made = {
        kind: [str(PurePosixPath(root, line.partition(" ")[2])) for line in lines if line.startswith(f"{kind} ")]
        for kind in ("base", "appended", "saved")
    }
    saved = [path for path in made["saved"] if path not in made["base"]]
    if not saved:
        raise PermanentError(
            phrase(
                "Redis, run as its compose file says, keeps its data outside of {folder}, where the volume {volume} "
                "is: they go with its container",
                folder=root,
                volume=alone.definition.data,
            )
        )
    return Places(saved=saved[0], base=next(iter(made["base"] or made["appended"]), None))


def put(alone: RedisAlone, places: Places, chunks: Iterable[bytes]) -> RdbCount:
    """The file in the place of what is read at a start."""
    order = replace(alone.order(), mounts=(data_of(alone),))
    return write_and_count(alone.engine, order, places.base or places.saved, chunks, alone.cancelled)


def finish(alone: RedisAlone, places: Places) -> RdbCount:
    """What it has saved after loading; that stays only where it is read. All is on the disk then."""
    return counted(run(alone, FINISH, places.saved, *([places.saved] if places.base else [])))


def held(alone: RedisAlone) -> RdbCount:
    """What is in a volume that was filled: of the file that is read at a start. Raises PermanentError."""
    root = alone.definition.mounted_at
    lines = [line.partition(" ") for line in run(alone, LOOK, root).splitlines()]
    paths = {kind: str(PurePosixPath(root, path)) for kind, _, path in lines}
    read = next((paths[kind] for kind in ("base", "appended", "saved") if kind in paths), None)
    if read is None:
        raise PermanentError(phrase("There is no data of Redis in {volume}", volume=alone.volume))
    return counted(run(alone, f'{CHECK} "$1"', read))


def run(alone: RedisAlone, script: str, *words: str) -> str:
    """A script on the volume; what it says. Raises PermanentError."""
    order = replace(alone.order("sh", "-c", script, "drbot", *words), mounts=(data_of(alone),))
    ended = helper.run(alone.engine, order, alone.cancelled)
    if ended.code != 0:
        said = phrase("The restored data of Redis cannot be used: {said}", said=last_line(ended.output))
        raise PermanentError(said, cause=ended.cause)
    return ended.output


def data_of(alone: RedisAlone) -> Mount:
    """The volume, where production has it."""
    return Mount(source=alone.volume, target=alone.definition.mounted_at)
