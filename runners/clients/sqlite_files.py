"""Finds the services that keep a SQLite database: it has no program of its own to be known by, only its files."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from drbot.core.base.errors import DrbotError
from drbot.core.site.inventory import Inventory, KnownService
from drbot.core.site.site import Site
from drbot.runners.clients import helper
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.container_labels import NOT_ONE_OFF, PROJECT, SERVICE
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.inventory_reader import read_inventory
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.foundation.watching import Cancelled

SQLITE = "sqlite"
SECONDS = 60
SHALLOWEST = 3  # parts of a path: no backup holds a whole disk, and looking through one takes long
ENDINGS = ("db", "db3", "s3db", "sl3", "sqlite", "sqlite3")
# By name first, then by its first bytes (https://www.sqlite.org/fileformat.html): it writes the place that holds one.
LOOK = """
for at in "$@"; do
  find "$at" -xdev -type f -size +0 \\( {named} \\) -exec sh -c '
    for file; do [ "$(head -c 15 "$file" 2>/dev/null)" = "SQLite format 3" ] && echo "$0"; done; true' "$at" {{}} +
done
""".format(named=" -o ".join(f"-iname '*.{one}'" for one in ENDINGS))

Place = tuple[str, str]


def read_thoroughly(site: Site, engine: DockerEngine, compose: Compose, cancelled: Cancelled) -> Inventory:
    """`read_inventory`, and which services keep a SQLite database. It takes a second more."""
    return with_sqlite(engine, read_inventory(site, engine, compose, cancelled), cancelled)


def with_sqlite(engine: DockerEngine, inventory: Inventory, cancelled: Cancelled) -> Inventory:
    """`program` of each running service that may write to such a file is SQLITE. Where the look fails, nobody's is."""
    unknown = {(one.project, one.service) for one in inventory.services if not one.program}
    written = _written(engine, unknown)
    found = _holding(engine, sorted({source for sources in written.values() for source in sources}), cancelled)
    keeping = {place for place, sources in written.items() if sources & found}

    def named(one: KnownService) -> KnownService:
        return one.model_copy(update={"program": SQLITE}) if (one.project, one.service) in keeping else one

    return inventory.model_copy(update={"services": tuple(map(named, inventory.services))})


def _written(engine: DockerEngine, places: set[Place]) -> Mapping[Place, set[str]]:
    """(project, service) → volumes and paths of the host that its running container may write to."""
    written: dict[Place, set[str]] = {}
    for made_of in engine.inspected(engine.listing(NOT_ONE_OFF)):
        labels = made_of["Config"]["Labels"]
        place = (labels.get(PROJECT, ""), labels.get(SERVICE, ""))
        if place in places and made_of["State"]["Running"]:
            sources = (_source(mount) for mount in made_of["Mounts"] if mount["RW"])
            written.setdefault(place, set()).update(source for source in sources if source)
    return written


def _source(mount: Mapping[str, str]) -> str:
    """As a helper mounts it; "" for what no backup holds."""
    if mount["Type"] == "volume":
        return mount["Name"]
    is_data = mount["Type"] == "bind" and len(PurePosixPath(mount["Source"]).parts) >= SHALLOWEST
    return mount["Source"] if is_data else ""


def _holding(engine: DockerEngine, sources: list[str], cancelled: Cancelled) -> set[str]:
    """Those with a SQLite database in them."""
    if not sources:
        return set()
    inside = {f"/drbot-look/{number}": source for number, source in enumerate(sources)}
    try:
        order = HelperOrder(
            image=tools_image(engine),
            labels={},
            entrypoint=("sh", "-c", LOOK, "look"),
            command=tuple(inside),
            mounts=tuple(Mount(source=source, target=target, read_only=True) for target, source in inside.items()),
            gentle=True,
        )
        said = helper.run(engine, order, cancelled, seconds=SECONDS).output.splitlines()
    except DrbotError:  # a place that vanished meanwhile, or one too large
        return set()
    return {inside[one] for one in said if one in inside}
