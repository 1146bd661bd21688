"""Really loses what an animal has: a service, what a store holds, files, or the whole host."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.zoo.animals import Kind, Store
from tests.zoo.checksums import INSIDE, Mounted, databases_of, helper, mounts, psql, redis_words, wait_for_stores
from tests.zoo.keeper import Kept, containers


def kill_service(kept: Kept, service: str) -> None:
    """Its containers are killed; Docker does not start again what somebody has ended."""
    with kept.client() as client:
        for one in containers(client, kept, service):
            one.kill()


def _postgres(kept: Kept, store: Store) -> None:
    for database in databases_of(kept, store):
        psql(kept, store, database, (INSIDE / "lose_postgres.sql").read_text())


def _redis(kept: Kept, store: Store) -> None:
    kept.inside(store.service, *redis_words(store), stdin="FLUSHALL\nSET since_the_loss 1\n")


def _mariadb(kept: Kept, store: Store) -> None:
    script = (INSIDE / "lose_mariadb.sql").read_text()
    kept.inside(store.service, "mariadb", "-uroot", f"-p{store.password}", stdin=script)


def _nats(kept: Kept, store: Store) -> None:
    kept.inside(store.service, "python3", "-", "lose", stdin=(INSIDE / "nats.py").read_text())


LOSSES: Mapping[Kind, Callable[[Kept, Store], None]] = {
    "postgres": _postgres, "redis": _redis, "mariadb": _mariadb, "nats": _nats,
}  # fmt: skip
"""Of stores whose content is asked for; of every other the files go."""


def lose(kept: Kept, lost: Mounted) -> None:
    """What is in this mount, and something new is there: whoever undoes a recovery wants exactly that back."""
    if lost.store:
        LOSSES[lost.store.kind](kept, lost.store)
        return
    helper(kept, {lost.source: "0"}, "lose_files.py", writable=True)
    kept.faults()  # somebody opens it: a program may make anew what it misses
    wait_for_stores(kept)


def lose_host(kept: Kept, socket: Path) -> None:
    """Containers, volumes, networks and folders are gone, and nothing answers at its socket any more."""
    kept.remove_things()
    for folder in (kept.projects, kept.outside):
        shutil.rmtree(folder)
    socket.unlink()


def site_of(kept: Kept) -> dict[str, Any]:
    """As its people described it."""
    read: dict[str, Any] = YAML(typ="safe").load(kept.folder / "drbot" / "dr.yml")
    return dict(read["sites"]["production"])


def store_mounts(kept: Kept, kind: str) -> list[Mounted]:
    """Of the store that dr.yml calls so."""
    site = site_of(kept)
    service = site[kind].get("service", kind) if kind in site else ""
    services = {name: one["service"] for name, one in site["services"].items()}
    wanted = (kind, services.get(service, ""))
    return [one for one in mounts(kept) if one.store and (one.store.kind, one.store.service) == wanted]


def file_mounts(kept: Kept) -> dict[str, Mounted]:
    """Each of `files` in dr.yml, and a mount that is it."""
    there = mounts(kept)
    return {
        name: next(one for one in there if one.source in (name, str(kept.projects / name)))
        for name in site_of(kept).get("files", ())
    }
