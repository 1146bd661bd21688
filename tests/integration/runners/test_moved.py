"""After a recovery on another host its worker says where users are, until dr.yml says so or somebody takes it back."""

from datetime import timedelta
from pathlib import Path

import pytest

from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.site.level import Level
from drbot.core.site.readiness import Colour
from drbot.core.site.site import Backups, Configuration, Schedule, Service, Site
from drbot.runners.upkeep.moved_readiness import users_lines
from drbot.store.records import incidents
from drbot.store.runs import runs, sub_runs
from tests.integration.store.store_fixture import ClockedDatabase

FULL_SITE = Site(services={"web": Service(project="shop", service="web", role="front")})
HERE, THERE, CONTROL = "production", "recovery", "control"


@pytest.fixture
def database(tmp_path: Path) -> ClockedDatabase:
    made = ClockedDatabase(f"sqlite:///{tmp_path / 'state.db'}")
    made.migrate()
    return made


def configuration(default: str = HERE, schedule: Schedule | None = None) -> Configuration:
    return Configuration(
        system="shop",
        sites={HERE: FULL_SITE, THERE: FULL_SITE, CONTROL: Site()},
        default_site=default,
        backups=Backups(directory="/srv", schedule=schedule or Schedule()),
    )


def ended(
    database: ClockedDatabase,
    level: int,
    site: str,
    *,
    kind: RunKind = RunKind.RECOVER,
    incident: int | None = None,
    part_of: Run | None = None,
    state: RunState = RunState.SUCCEEDED,
    mode: str = "real",
) -> Run:
    """A run of this level on this site that ended a minute later than the last one; of a new incident by default."""
    database.moment += timedelta(minutes=1)
    with database.write() as tx:
        if incident is None:
            incident = incidents.declare(tx, site=HERE, level=Level(level), title="lost", person="aiko").id
        of = {sub_runs.PART_OF: part_of.id, sub_runs.STEP: "recover"} if part_of is not None else {}
        run = runs.queue(tx, incident=incident, site=site, kind=kind, runbook="x", arguments=of, person="aiko")
        claimed = runs.claim(tx, run.id, "worker", 60)
        assert claimed is not None
        plan = Plan.model_validate(
            {"run": run.id, "site": site, "level": level, "runbook": "x", "runbook_sha256": "", "steps": (),
             "fingerprint": {}, "surveyed_at": tx.now, "mode": mode}
        )  # fmt: skip
        runs.finish(tx, runs.planned(tx, claimed, plan), state, "It ended.")
        return run


def colours(database: ClockedDatabase, known: Configuration) -> dict[str, Colour]:
    """Site → what its worker says of users; nothing for one that says nothing."""
    with database.read() as connection:
        return {site: line.colour for site in known.sites for line in users_lines(connection, known, site)}


def test_the_new_host_s_worker_says_that_nobody_makes_backups_of_it(database: ClockedDatabase) -> None:
    assert colours(database, configuration()) == {}

    run = ended(database, 3, THERE)

    assert colours(database, configuration()) == {HERE: Colour.AMBER, THERE: Colour.RED}
    with database.read() as connection:
        (line,) = users_lines(connection, configuration(), THERE)
    assert f"DR-{run.incident}" in line.reason and "`default_site: recovery`" in line.remedy
    assert colours(database, configuration(default=THERE)) == {THERE: Colour.GREEN}


def test_where_the_calendar_backs_the_new_host_up_it_is_to_be_seen_to_soon(database: ClockedDatabase) -> None:
    ended(database, 3, THERE)

    scheduled = configuration(schedule=Schedule(full="0 3 * * *", sites=(THERE,)))
    assert colours(database, scheduled)[THERE] is Colour.AMBER


@pytest.mark.parametrize("kind", [RunKind.UNDO, RunKind.LEAD_BACK])
def test_what_was_taken_back_moved_nobody(database: ClockedDatabase, kind: RunKind) -> None:
    run = ended(database, 3, THERE)
    ended(database, 3, THERE, kind=kind, incident=run.incident)

    assert colours(database, configuration()) == {}


def test_who_went_home_again_is_at_home(database: ClockedDatabase) -> None:
    ended(database, 3, THERE)
    ended(database, 3, HERE)

    assert colours(database, configuration()) == {HERE: Colour.GREEN}
    assert colours(database, configuration(default=THERE)) == {HERE: Colour.RED, THERE: Colour.AMBER}


@pytest.mark.parametrize(("level", "state", "mode"), [
    (2, RunState.SUCCEEDED, "real"), (3, RunState.FAILED, "real"), (3, RunState.SUCCEEDED, "drill"),
])  # fmt: skip
def test_other_runs_move_nobody(database: ClockedDatabase, level: int, state: RunState, mode: str) -> None:
    ended(database, level, THERE, state=state, mode=mode)

    assert colours(database, configuration()) == {}


@pytest.mark.parametrize(("state", "expected"), [
    (RunState.SUCCEEDED, {HERE: Colour.AMBER, THERE: Colour.RED}), (RunState.FAILED, {}),
])  # fmt: skip
def test_of_level_4_users_are_there_once_the_whole_is_done(
    database: ClockedDatabase, state: RunState, expected: dict[str, Colour]
) -> None:
    whole = ended(database, 4, CONTROL, state=state)
    ended(database, 3, THERE, incident=whole.incident, part_of=whole)

    assert colours(database, configuration()) == expected
