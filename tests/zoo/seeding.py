"""Real data for an animal: rows, keys, messages, and files with odd names, owners and modes."""

from collections.abc import Callable, Mapping

from tests.zoo.animals import Kind, Store
from tests.zoo.checksums import INSIDE, databases_of, helper, mounts, psql, redis_words, wait_for_stores
from tests.zoo.keeper import Kept


def seed(kept: Kept) -> None:
    """Once, into everything that keeps data and every folder that a container may write."""
    wait_for_stores(kept)
    for store in kept.animal.stores:
        SEEDS[store.kind](kept, store)
    may = {one.source for one in mounts(kept) if one.writable and not one.store and not one.place.endswith(".sock")}
    if kept.animal.keeps_over_down:  # it has anonymous volumes because an image declares them; nothing uses them
        may -= {one.source for one in mounts(kept) if one.anonymous}
    sources = {source: str(at) for at, source in enumerate(sorted(may))}
    if sources:
        helper(kept, sources, "write_files.py", writable=True)


def _postgres(kept: Kept, store: Store) -> None:
    for name in store.databases:
        psql(kept, store, "postgres", f"CREATE DATABASE {name}")
    named = databases_of(kept, store)
    for name in [one for one in named if one != "postgres"] or named:
        psql(kept, store, name, (INSIDE / "write_postgres.sql").read_text())


def _redis(kept: Kept, store: Store) -> None:
    kept.inside(store.service, *redis_words(store), stdin=(INSIDE / "write_redis.txt").read_text())


def _mariadb(kept: Kept, store: Store) -> None:
    script = (INSIDE / "write_mariadb.sql").read_text()
    kept.inside(store.service, "mariadb", "-uroot", f"-p{store.password}", stdin=script)


def _script(name: str, *words: str) -> Callable[[Kept, Store], None]:
    def run(kept: Kept, store: Store) -> None:
        kept.inside(store.service, "python3", "-", *words, stdin=(INSIDE / name).read_text())

    return run


SEEDS: Mapping[Kind, Callable[[Kept, Store], None]] = {
    "postgres": _postgres,
    "redis": _redis,
    "mariadb": _mariadb,
    "nats": _script("nats.py", "write"),
    "sqlite": _script("sqlite_rows.py"),
    "objects": _script("put_objects.py", "objects"),
    "documents": _script("put_objects.py", "documents"),
}
