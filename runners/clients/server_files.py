"""The server's own files in a data volume: looked at read-only, and copied into the restored data beside it.

A dump holds databases and roles; what ALTER SYSTEM has set, who may connect, and certificates are files.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.site.old_server import ALTER_SYSTEM, OldServer
from drbot.core.text.messages import filled, phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.container_labels import RUN_LABEL
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.dump import major
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.postgres_server import PostgresRecipe
from drbot.runners.clients.server_command import settings_in
from drbot.runners.foundation.permit import OwnWork

LOOK_SECONDS = 60.0
MAIN: Mapping[str, str] = {  # file → the option that says that another one is used
    "postgresql.conf": "config_file",
    "pg_hba.conf": "hba_file",
    "pg_ident.conf": "ident_file",
}
CERTIFICATES = ("server.crt", "server.key", "root.crt", "root.crl")
_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)?$")
_PATH = re.compile(r"^\s*(include(?:_if_exists|_dir)?|ssl_\w+_file)\s*=?\s*'([^']+)'")

# One line per thing, with tabs. Values are printed of settings that name files only: others may be secrets.
LOOK = r"""
set -u
tab=$(printf '\t')
cd "/old/$1" 2>/dev/null && [ -r PG_VERSION ] || { echo none; exit 0; }
printf 'version\t%s\n' "$(head -n 1 PG_VERSION)"
sed -n "s/^[[:space:]]*\([A-Za-z_][A-Za-z0-9_.]*\)[[:space:]]*=.*/setting${tab}\1/p" postgresql.auto.conf
grep -hE '^[[:space:]]*(include|include_if_exists|include_dir|ssl_[a-z_]*_file)[[:space:]=]' \
  postgresql.conf postgresql.auto.conf | sed "s/^/path${tab}/"
find . -maxdepth 2 \( -type d \( -name 'pg_*' -o -name base -o -name global -o -name log \) -prune \) -o \
  -type f -size -2048 \( -name '*.conf' -o -name '*.crt' -o -name '*.key' -o -name '*.pem' -o -name '*.crl' \) -print |
while IFS= read -r file; do
  if sum=$(sha256sum "$file"); then printf 'file\t%s\t%s\n' "${sum%% *}" "${file#./}"
  else printf 'unreadable\t%s\n' "${file#./}"; fi
done
for one in pg_replslot/*; do
  case ${one#*/} in drbot_*_????????_??????) continue ;; esac  # the worker makes another one
  [ -d "$one" ] && printf 'left\tslot\t%s\n' "${one#*/}"
done
for one in pg_twophase/*; do [ -f "$one" ] && printf 'left\ttransaction\t%s\n' "${one#*/}"; done
[ -e standby.signal ] && printf 'left\tstandby\t-\n'
exit 0
"""

# What the new volume had is put aside first, so that it can be brought back.
CARRY = r"""
set -u
old="/old/$1" new="/new/$1" fresh="/new/$1/.drbot-fresh"; shift
while [ $# -gt 0 ]; do
  wanted="$1" name="$2" folder=$(dirname "$2"); shift 2
  found=$(sha256sum "$old/$name") || { printf 'unreadable\t%s\n' "$name"; continue; }
  [ "${found%% *}" = "$wanted" ] || { printf 'changed\t%s\n' "$name"; continue; }
  if cmp -s "$old/$name" "$new/$name"; then continue; fi
  if [ ! -d "$new/$folder" ]; then
    mkdir "$new/$folder"
    chown "$(stat -c %u:%g "$old/$folder")" "$new/$folder"; chmod "$(stat -c %a "$old/$folder")" "$new/$folder"
  fi
  mkdir -p "$fresh/$folder"
  if [ -e "$new/$name" ]; then cp -p "$new/$name" "$fresh/$name"; fi
  cp -p "$old/$name" "$new/$name" && printf 'carried\t%s\n' "$name" || printf 'unreadable\t%s\n' "$name"
done
sync
"""
BRING_BACK = r"""
set -eu
new="/new/$1" fresh="/new/$1/.drbot-fresh"; shift
for name in "$@"; do
  rm -f "$new/$name"
  if [ -e "$fresh/$name" ]; then cp -p "$fresh/$name" "$new/$name"; fi
done
"""
TIDY = r"""rm -rf "/new/$1/.drbot-fresh"; sync"""

UNREADABLE = phrase("{file} (cannot be read)")
LEFT = {
    "slot": phrase("replication slot {name}"),
    "transaction": phrase("prepared transaction {name}"),
    "standby": phrase("its standby role"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerFiles:
    engine: DockerEngine
    recipe: PostgresRecipe
    labels: Mapping[str, str]
    cancelled: Callable[[], bool]

    def look(self, volume: str) -> OldServer:
        """What is in a volume that no dump brings back; it is mounted read-only. Raises CancelledError."""
        if self.engine.volume(volume) is None:
            return OldServer(volume=volume, readable=False)
        try:
            said = self._run(LOOK, (), (Mount(source=volume, target="/old", read_only=True),))
        except (CancelledError, PermanentError):  # a disk that hangs, or refuses
            if self.cancelled():
                raise
            return OldServer(volume=volume, readable=False)
        lines = [line.split("\t") for line in said if "\t" in line]
        version = next((line[1] for line in lines if line[0] == "version"), "")
        if not version:
            return OldServer(volume=volume, readable=False)
        server = major(self.engine.image_environment(self.recipe.image).get("PG_MAJOR", version))
        if major(version) != server:
            left = (
                phrase("settings of PostgreSQL {version}, the server here is {server}", version=version, server=server),
            )
            return OldServer(volume=volume, readable=True, left=left)
        return old_server_of(volume, lines, frozenset(settings_in(self.recipe.command)))

    def carry(self, old: OldServer, volume: str, own: OwnWork) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Copy the sealed files into this volume of the run's own: those that now differ from a fresh server's, and
        why others were not copied. Raises PermanentError.
        """
        self._require_own(volume, own)
        pairs = [word for name, digest in sorted(old.files.items()) for word in (digest, name)]
        mounts = (Mount(source=old.volume, target="/old", read_only=True), Mount(source=volume, target="/new"))
        lines = [line.split("\t") for line in self._run(CARRY, pairs, mounts) if "\t" in line]
        reasons = {
            "unreadable": phrase("{file} could not be read"),
            "changed": phrase("{file} has changed since the plan"),
        }
        carried = tuple(line[1] for line in lines if line[0] == "carried")
        return carried, tuple(filled(reasons[line[0]], file=line[1]) for line in lines if line[0] in reasons)

    def bring_back(self, names: Sequence[str], volume: str, own: OwnWork) -> None:
        """What a fresh server had instead of these files. Raises PermanentError."""
        self._require_own(volume, own)
        self._run(BRING_BACK, names, (Mount(source=volume, target="/new"),))

    def tidy(self, volume: str, own: OwnWork) -> None:
        """Forget what a fresh server had. Raises PermanentError."""
        self._require_own(volume, own)
        self._run(TIDY, (), (Mount(source=volume, target="/new"),))

    def _require_own(self, volume: str, own: OwnWork) -> None:
        found = self.engine.volume(volume)
        if found is None or found.labels.get(RUN_LABEL) != own.run:
            raise PermanentError(
                phrase("The volume {name} was not made by {run}; nothing was touched", name=volume, run=own.run)
            )

    def _run(self, script: str, words: Sequence[str], mounts: tuple[Mount, ...]) -> list[str]:
        recipe = self.recipe
        inside = PurePosixPath(recipe.data_folder).relative_to(recipe.mounted_at)
        order = HelperOrder(
            image=recipe.image,
            labels=self.labels,
            entrypoint=("sh", "-c", script, "sh"),
            command=(str(inside), *words),
            mounts=mounts,
            user="root",
        )
        ended = helper.run(self.engine, order, self.cancelled, seconds=LOOK_SECONDS)
        if ended.code != 0:
            raise PermanentError(phrase("The server's own files: {said}", said=ending(ended.output, 300) or ended.code))
        return ended.output.splitlines()


def old_server_of(volume: str, lines: Sequence[Sequence[str]], by_command: frozenset[str]) -> OldServer:
    """From the lines of LOOK; what the compose file's command sets is not read from these files."""
    digests = {line[2]: line[1] for line in lines if line[0] == "file" and _NAME.match(line[2])}
    wanted = {name for name, option in MAIN.items() if option not in by_command} | {ALTER_SYSTEM, *CERTIFICATES}
    left = [filled(LEFT[line[1]], name=line[2]) for line in lines if line[0] == "left"]
    for kind, value in (path for line in lines if line[0] == "path" for path in _paths(line[1])):
        inside = [name for name in digests if name == value or (kind == "include_dir" and name.startswith(f"{value}/"))]
        wanted |= set(inside)
        if not inside and not value.startswith("/") and kind != "include_if_exists":
            left.append(filled(UNREADABLE, file=value))
    left += [filled(UNREADABLE, file=line[1]) for line in lines if line[0] == "unreadable" and line[1] in wanted]
    names = sorted({line[1] for line in lines if line[0] == "setting"} - by_command)
    return OldServer(
        volume=volume,
        readable=True,
        files={name: digest for name, digest in digests.items() if name in wanted},
        settings=tuple(names),
        left=tuple(dict.fromkeys(left)),
    )


def _paths(line: str) -> Iterator[tuple[str, str]]:
    found = _PATH.match(line)
    if found:
        yield found[1], found[2].rstrip("/")
