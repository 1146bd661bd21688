"""Each thing that readiness looks at, broken by itself: that line alone changes its colour, and mended it is green
again. The table of docs/readiness.md names exactly these.
"""

import datetime as times
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from drbot.core.ledger.events import EventKind
from drbot.core.runs.drill import DrillEnd
from drbot.core.site.configuration import load_configuration
from drbot.core.site.confirmations import Subject
from drbot.core.site.level import Level
from drbot.core.site.people import roster_of
from drbot.core.site.proofs import ProofResult
from drbot.core.site.readiness import Colour, Line
from drbot.core.site.site import Docker
from drbot.lab.cloud import NAME, Cloud
from drbot.lab.object_store import Bucket
from drbot.lab.system import Lab
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.clients import clients_of
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.own_state.state_readiness import LATE_SECONDS
from drbot.runners.second_factor.totp_secrets import Entry, TotpSecrets
from drbot.runners.upkeep.backup_readiness import look_at_backups
from drbot.runners.upkeep.readiness import SiteReadiness
from tests.integration.lab import readiness_world as worlds
from tests.integration.lab.readiness_world import Break, Prometheus, World, by, by_doing
from tests.integration.runners.worker_fixture import worker_fixture_in
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker

RED, AMBER = Colour.RED, Colour.AMBER
DOCUMENT = Path(__file__).parents[3] / "docs" / "readiness.md"


@dataclass(frozen=True, kw_only=True)
class Item:
    """A row of the document's table: how it is broken, and which line says so in which colour."""

    row: str
    breaks: Break
    line: str
    colour: Colour


def item(row: str, breaks: Break, line: str, colour: Colour) -> Item:
    return Item(row=row, breaks=breaks, line=line, colour=colour)


def in_folder(name: str, data: bytes) -> Break:
    """A file below production's projects holds something else."""
    return by_doing(lambda world: worlds.rewritten(world.configuration.site().projects / name, data))


def bad_runbook(world: World) -> Callable[[], object]:
    path = world.home / "runbooks" / "mine.yml"
    path.write_text("runbook: mine\nsteps: nothing\n")
    return path.unlink


@contextmanager
def unwatched(world: World) -> Iterator[World]:
    """Nothing says whether auth works."""
    auth = world.configuration.site().services["auth"].model_copy(update={"health": None})
    services = {**world.configuration.site().services, "auth": auth}
    with worlds.overridden("auth", worlds.LIMITS + "    healthcheck: {disable: true}\n")(world):
        yield world.with_site(services=services)


def with_a_strange_key(world: World) -> Callable[[], object]:
    """The database has named another one for production's worker."""
    own = OwnRecord(world.worker_context.home)
    own.saw_key("production", "SHA256:thief")
    return lambda: own.saw_key("production", "")


def unenrolled(world: World) -> Callable[[], object]:
    secrets = TotpSecrets(world.worker_context.home)
    secrets.keep("chika", None)
    return lambda: secrets.keep("chika", Entry(secret="x"))


def without_dumps(world: World) -> Callable[[], object]:
    """In no place."""
    folder, forgotten = world.configuration.backups.directory, worlds.without_copies(world, 2)
    mends = [worlds.renamed(path) for path in sorted(folder.glob("all_databases_*"))]

    def mend() -> None:
        for one in mends:
            one()
        forgotten()

    return mend


@contextmanager
def uncopied(world: World) -> Iterator[World]:
    """Since eleven minutes something is in no copy."""
    with world.database.write() as tx:
        tx.record(EventKind.COMMAND_REFUSED, verb="x", why="x", code="", entry_point="terminal")
    yield replace(world, past=LATE_SECONDS + 60)
    worlds.copy_state(world)


ITEMS = (
    item("approvers", by(lambda world: world.with_people(without="chika")), "approvers", RED),
    item("people can be reached", worlds.row_gone(Subject.REACHABLE), "people can be reached", AMBER),
    item("roster was read", worlds.row_gone(Subject.ROSTER), "roster was read", AMBER),
    item("key of full backups", worlds.row_gone(Subject.KEY), "key of full backups", AMBER),
    item("volumes", by(worlds.with_volume), "production: volume nowhere", RED),
    item("PostgreSQL role", by(worlds.without_role), "production: PostgreSQL role", RED),
    item("health checks", unwatched, "production: auth", AMBER),
    item("compose projects", by_doing(worlds.without_project), "production: {prefix}ai-micro-front-user", RED),
    item("Docker engine", by(lambda world: world.with_site(docker=Docker(host="unix:///nowhere"))),
         "production: Docker engine", RED),
    item("second factor", by_doing(unenrolled), "second factor", RED),
    item("the worker's key", by_doing(with_a_strange_key), "the worker's key", RED),
    item("backup of PostgreSQL", by_doing(without_dumps), "backup of PostgreSQL", RED),
    item("copy of drbot's own state", uncopied, "copy of drbot's own state", RED),
    item("restart policies", worlds.overridden("auth", worlds.LIMITS + '    restart: "no"\n'),
         "production: restart policies", AMBER),
    item("memory and CPU limits", worlds.overridden("auth", "    cpus: 1\n"),
         "production: memory and CPU limits", AMBER),
    item("room for a copy", by_doing(worlds.newer_manifest), "production: room for a copy", RED),
    item("alert rules", by_doing(lambda world: worlds.ruled(world, [])), "production: alert rules", AMBER),
    item("alert rules", by_doing(lambda world: worlds.ruled(world, ["Other"])), "production: alert rules", AMBER),
    item("certificate", in_folder("edge/fullchain.pem", worlds.certificate_for(-1)), "certificate", RED),
    item("certificate", in_folder("edge/fullchain.pem", worlds.certificate_for(14)), "certificate", AMBER),
    item("certificate", in_folder("edge/fullchain.pem", b"no certificate"), "certificate", RED),
    item("DNS names", by_doing(lambda world: worlds.pointed(world, 3600)), "DNS names", AMBER),
    item("runbooks", by_doing(bad_runbook), "runbooks", RED),
    item("new place", by(lambda world: world.changed(recovery=None)), "new place", AMBER),
    item("copies of PostgreSQL backups", by_doing(lambda world: worlds.without_copies(world, 1)),
         "copies of PostgreSQL backups", RED),
    item("proof of PostgreSQL backups", worlds.proofs_failed("postgres"), "proof of PostgreSQL backups", RED),
    item("proof of full backups", worlds.proofs_failed("full"), "proof of full backups", RED),
    item("3-2-1 rule", by_doing(lambda world: worlds.full_only_here(world, times.timedelta())), "3-2-1 rule", AMBER),
    item("full backup", by_doing(lambda world: worlds.full_only_here(world, times.timedelta(days=2))),
         "full backup", AMBER),
    item("folder of backups, places of backups", by(worlds.with_bucket), "places of backups", RED),
    item("drill of each level", by_doing(lambda world: worlds.drilled(world, DrillEnd.FAILED)),
         "drill of level 2", RED),
    item("drill of each level", by_doing(lambda world: worlds.drilled(world, DrillEnd.MISSED)),
         "drill of level 2", AMBER),
    item("action items", by_doing(worlds.overdue), "action item 1 of DRILL-1", AMBER),
    item("services", by_doing(worlds.stopped), "production: services", RED),
)  # fmt: skip

SCHEDULED = "scheduled backup of PostgreSQL, scheduled full backup, scheduled drills"
ELSEWHERE = {
    "users": "tests/integration/runners/test_moved.py",
    "old services": "tests/zoo/test_home_again.py",
    "WAL of PostgreSQL": "tests/integration/actions/test_following.py",
    "copies of full backups": "tests/unit/runners/test_backup_readiness.py",
    "backups of another site": "tests/unit/runners/test_backup_readiness.py",
    "proofs of another site": "tests/integration/lab/test_proving.py",
    "own checks": "tests/integration/actions/test_own_checks.py",
    "worker of each site, bot": "tests/integration/commands/test_readiness.py",
    "clock": "below",
    SCHEDULED: "tests/integration/runners/test_routines.py",
    "restic": "below",
    "mounts": "tests/integration/actions/test_left_out.py",
    "programs": "tests/unit/runners/test_prevention.py",
    "rented machines": "tests/integration/centre/test_rented.py",
    "Slack: tokens, scopes, channels, people": "tests/integration/bot/test_readiness.py",
}
"""Rows of the document that other tests break."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bucket, Cloud]]:
    """Buckets with their keys, a zone, and encrypted full backups."""
    bucket, cloud = Bucket(folder=tmp_path_factory.mktemp("s3")), Cloud(folder=tmp_path_factory.mktemp("cloud"))
    bucket.start()
    cloud.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**bucket.keys(), "RESTIC_PASSWORD": "secret"}.items():
            patch.setenv(name, value)
        yield bucket, cloud
    bucket.stop()
    cloud.stop()


@pytest.fixture(scope="module")
def world(lab: Lab, environment: tuple[Bucket, Cloud], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Of which nothing is wrong."""
    bucket, cloud = environment
    home, prometheus = tmp_path_factory.mktemp("home"), Prometheus()
    for name in ("backups", "runbooks"):
        (home / name).mkdir()
    loaded = load_configuration(lab.configuration).configuration
    configuration = worlds.configuration_of(loaded, home, bucket, cloud, prometheus.url)
    clients = clients_of(configuration.site(), configuration, RunnerSettings.from_environment(home, {}))
    made = worker_fixture_in(home)
    roster = roster_of(configuration.people, configuration.approvals)
    context = replace(made.worker_context, configuration=configuration, roster=roster)
    here = World(
        lab=lab, clients=clients, database=made.database, cloud=cloud, prometheus=prometheus, worker_context=context,
        home=home,
    )  # fmt: skip
    make_ready(here)
    yield here
    for service in configuration.site().services:
        here.override(service, "").unlink()
    prometheus.stop()
    clients.close()
    made.database.close()


def make_ready(here: World) -> None:
    """Backups in every place and their proofs, files, people, a copy of the state."""
    configuration = here.configuration
    for service in configuration.site().services:
        here.override(service, worlds.LIMITS)
    (configuration.site().projects / "edge").mkdir(exist_ok=True)
    (configuration.site().projects / "edge" / "fullchain.pem").write_bytes(worlds.certificate_for(60))
    here.cloud.point(NAME, "192.0.2.1", worlds.TTL)
    reader = "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    postgres = here.clients.postgres.container()
    assert postgres is not None
    here.clients.docker.execute(postgres.id, ["psql", "-U", "postgres", "-c", reader], seconds=20)
    secrets = TotpSecrets(here.worker_context.home)
    secrets.key()
    for person in here.worker_context.roster.people:
        secrets.keep(person, Entry(secret="x"))
    back_up_postgres(configuration, "production", clients=here.clients)
    back_up_full(configuration, "production", clients=here.clients)
    worlds.note_proofs(here.database, look_at_backups(configuration).found, ProofResult.PROVEN)
    worlds.confirm_everything(here)
    for level in Level:
        worlds.note_drill(here, level, DrillEnd.PASSED)
    with here.database.write() as tx:
        tx.record(EventKind.COMMAND_REFUSED, verb="x", why="x", code="", entry_point="terminal")
    worlds.copy_state(here)


def not_green(lines: dict[str, Line]) -> dict[str, Colour]:
    return {what: line.colour for what, line in lines.items() if line.colour is not Colour.GREEN}


def require_each_alone(world: World, items: Sequence[Item]) -> None:
    """One after the other: that nothing else is told shows that the one before is well again."""
    assert not_green(world.look()) == {}
    for one in items:
        with one.breaks(world) as broken:
            lines = broken.look()
        what = one.line.format(prefix=world.lab.prefix)
        assert not_green(lines) == {what: one.colour}, (one.row, lines.get(what))
        assert lines[what].reason and lines[what].remedy, lines[what]
        if one.row == "services":
            wait_for(lambda: not world.lab.faults(), PATIENCE, "the service to work again")
    assert not_green(world.look()) == {}


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_each_thing_that_is_broken_is_told_and_nothing_else(world: World) -> None:
    require_each_alone(world, ITEMS)


def rows() -> dict[str, tuple[bool, bool]]:
    """Of the document's table: whether it says when it is red, and when amber."""
    found: dict[str, tuple[bool, bool]] = {}
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[0] not in ("what", ""):
            for name in cells[0].split(", ") if cells[0] == "backup of PostgreSQL, full backup" else (cells[0],):
                found[name] = (bool(cells[1]), bool(cells[2]))
    return found


def test_the_document_names_exactly_what_is_looked_at_and_its_colours() -> None:
    documented = rows()

    assert documented.keys() == {one.row for one in ITEMS} | ELSEWHERE.keys()
    for one in ITEMS:
        assert documented[one.row][one.colour is AMBER], (one.row, one.colour)


@pytest.mark.more
def test_a_clock_that_is_wrong_is_told(world: World) -> None:
    site = world.configuration.site()

    def line_of(seconds: float) -> Line:
        ahead = times.timedelta(seconds=seconds)
        looks = SiteReadiness(
            name="production", site=site, clients=world.clients, now=lambda: times.datetime.now(times.UTC) + ahead
        )
        return next(line for line in looks.lines() if line.what == "production: clock")

    assert line_of(0).colour is Colour.GREEN
    assert line_of(-120).colour is Colour.RED
    assert "2 min apart" in line_of(120).reason


@pytest.mark.long
def test_restic_that_is_not_there_and_backups_that_everybody_can_read_are_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with worlds.programs_in(world.home / "programs", without="restic"):
        lines = {line.what: line for line in look_at_backups(world.configuration).lines}
    assert lines["restic"].colour is Colour.RED

    monkeypatch.delenv("RESTIC_PASSWORD")
    lines = {line.what: line for line in look_at_backups(world.configuration).lines}
    assert lines["restic"].colour is Colour.AMBER
    assert "not encrypted" in lines["restic"].reason
