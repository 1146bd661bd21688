"""Our own checksum of everything that any container of an animal has mounted: none of drbot's code is asked.

Stores are asked for their content (every row, key and message); everything else is read as files: mode, owner, SHA-256.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from tests.waiting import PATIENCE, wait_for
from tests.zoo.animals import Store
from tests.zoo.images import APP_IMAGE
from tests.zoo.keeper import NUMBER, SERVICE, Kept, containers

INSIDE = Path(__file__).parent / "inside"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mounted:
    """One mount of one container."""

    container: str  # service, and its number where it is not the first
    place: str
    source: str  # name of a volume, else a path of the host
    store: Store | None  # that keeps its data there
    writable: bool

    @property
    def anonymous(self) -> bool:
        return bool(re.fullmatch("[0-9a-f]{64}", self.source))

    @property
    def key(self) -> str:
        """The same on another host, and for an anonymous volume."""
        return f"{self.container}:{self.place}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Checksums:
    """What was there: mount or store → thing → digest."""

    found: Mapping[str, Mapping[str, str]]

    def lost(self, now: "Checksums") -> list[str]:
        """Where `now` differs, a line each; what has come to it is no loss, except in a store."""
        return [
            f"{where}: {thing!r} was {was}, is {now.found.get(where, {}).get(thing, 'missing')}"
            for where, things in self.found.items()
            for thing, was in things.items()
            if now.found.get(where, {}).get(thing) != was
        ]


def mounts(kept: Kept) -> list[Mounted]:
    """Everything that `docker inspect` says is mounted, of running and stopped containers."""
    with kept.client() as client:
        found = [(one, mount) for one in containers(client, kept) for mount in one.attrs["Mounts"]]
    return [_mounted(kept, one, mount) for one, mount in found if mount["Type"] != "tmpfs"]


def _mounted(kept: Kept, container: Container, mount: Mapping[str, Any]) -> Mounted:
    service, number = container.labels[SERVICE], container.labels.get(NUMBER, "1")
    place = mount["Destination"]
    asked = (one for one in kept.animal.stores if one.kind in READERS)
    stores = (one for one in asked if (one.service, one.place) == (service, place))
    return Mounted(
        container=service if number == "1" else f"{service}.{number}",
        place=place,
        source=mount.get("Name") or mount["Source"],
        store=next(stores, None),
        writable=mount["RW"],
    )


def checksums(kept: Kept) -> Checksums:
    """Of now, while nothing writes: every mount is a key."""
    wait_for_stores(kept)
    mounted = mounts(kept)
    found = {one.key: _ask(kept, one.store) for one in mounted if one.store}
    others = [one for one in mounted if not one.store]
    read = trees(kept, [one.source for one in others])
    return Checksums(found=found | {one.key: tree for one, tree in zip(others, read, strict=True)})


def trees(kept: Kept, sources: Sequence[str]) -> list[dict[str, str]]:
    """Of each of these volumes and folders: file → digest."""
    places = {source: str(at) for at, source in enumerate(sources)}
    read = json.loads(helper(kept, places, "read_trees.py", writable=False) or "{}") if places else {}
    return [read[places[source]] for source in sources]


def wait_for_stores(kept: Kept) -> None:
    """Until every one of them answers; a container that runs may not do so yet."""
    for store in kept.animal.stores:
        wait_for(partial(_answers, kept, store), PATIENCE, f"{store.service} of {kept.name} to answer")


def _answers(kept: Kept, store: Store) -> bool:
    """Over TCP: an image first runs a temporary server on the Unix socket."""
    words = {
        "postgres": ("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(store.port)),
        "redis": (*redis_words(store), "PING"),
        "mariadb": ("mariadb-admin", "ping", "-h", "127.0.0.1", "-uroot", f"-p{store.password}"),
        "nats": ("python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 4222), 3)"),
    }.get(store.kind, ("python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')"))
    try:
        kept.inside(store.service, *words)
    except (AssertionError, IndexError):
        return False
    return True


def helper(kept: Kept, sources: Mapping[str, str], script: str, *, writable: bool) -> str:
    """Run one of our scripts as root in a container that has these volumes and folders below /m."""
    mode = "rw" if writable else "ro"
    with kept.client() as client:
        said = client.containers.run(
            APP_IMAGE, ["-c", (INSIDE / script).read_text()], entrypoint="python3", user="0", remove=True,
            network_mode="none", volumes={source: {"bind": f"/m/{at}", "mode": mode} for source, at in sources.items()},
        )  # fmt: skip
    return str(said.decode())


def _ask(kept: Kept, store: Store) -> dict[str, str]:
    return dict(READERS[store.kind](kept, store))


def psql(kept: Kept, store: Store, database: str, script: str) -> str:
    """What it says without ornaments, as its superuser."""
    words = ("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", store.user, "-p", str(store.port), "-d", database)
    return kept.inside(store.service, *words, stdin=script)


def databases_of(kept: Kept, store: Store) -> list[str]:
    listed = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
    return psql(kept, store, "postgres", listed).split()


def _postgres(kept: Kept, store: Store) -> Iterator[tuple[str, str]]:
    for database in databases_of(kept, store):
        said = psql(kept, store, database, (INSIDE / "read_postgres.sql").read_text())
        yield from ((f"{database}: {thing}", digest) for thing, digest in _pairs(said))


def redis_words(store: Store) -> tuple[str, ...]:
    password = ("--no-auth-warning", "-a", store.password) if store.password else ()
    return ("redis-cli", "-p", str(store.port), *password)


def _redis(kept: Kept, store: Store) -> Iterator[tuple[str, str]]:
    yield from _pairs(
        kept.inside(store.service, *redis_words(store), "EVAL", (INSIDE / "read_redis.lua").read_text(), "0")
    )


def _mariadb(kept: Kept, store: Store) -> Iterator[tuple[str, str]]:
    access = ("-uroot", f"-p{store.password}")
    ask = ("mariadb", *access, "-NBe")
    hidden = "('information_schema', 'performance_schema', 'mysql', 'sys')"
    named = kept.inside(
        store.service, *ask, f"SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN {hidden}"
    )
    dump = "mariadb-dump {access} --skip-comments --order-by-primary --routines --triggers {name} | {digest}"
    digest = "sed 's/ AUTO_INCREMENT=[0-9]*//' | sha256sum"  # a start brings the next number back to the highest
    for name in named.split():
        said = kept.inside(store.service, "sh", "-c", dump.format(access=" ".join(access), name=name, digest=digest))
        yield f"{name}: everything", said.split()[0]
    users = "SELECT CONCAT('user ', user, '@', host, ' = ', SHA2(priv, 256)) FROM mysql.global_priv"
    yield from _pairs(kept.inside(store.service, *ask, users))


def _nats(kept: Kept, store: Store) -> Iterator[tuple[str, str]]:
    yield from _pairs(kept.inside(store.service, "python3", "-", "read", stdin=(INSIDE / "nats.py").read_text()))


def _pairs(said: str) -> Iterator[tuple[str, str]]:
    for line in said.splitlines():
        thing, _, digest = line.rpartition(" = ")
        if thing:
            yield thing, digest


READERS = {"postgres": _postgres, "redis": _redis, "mariadb": _mariadb, "nats": _nats}
