"""A worker died: what was open becomes unsure, what may be repeated is repeated, the rest goes on."""

from datetime import timedelta

from sqlalchemy import update

from drbot.core.site.level import Level
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.base.schema import drills as drills_table
from drbot.store.base.schema import runs as runs_table
from drbot.store.records import drills, leases, steps
from drbot.store.runs import runs
from tests.integration.store import store_fixture


def died(database: Database, *open_steps: str) -> str:
    """A run whose worker started these steps and was never heard of again."""
    run = store_fixture.running(database)
    with database.write() as tx:
        for name in open_steps:
            steps.start(tx, run, name, title=name)
        runs.renew(tx, run.id, run.epoch, -1)
    with database.write() as tx:
        assert leases.expire_leases(tx) == [run.id]
    return run.id


def states(database: Database, run_id: str) -> dict[str, str]:
    with database.read() as connection:
        run = runs.get(connection, run_id)
        records = steps.of_run(connection, run_id)
    return {"run": run.state.value} | {record.id: record.state.value for record in records}


def test_without_an_open_step_another_worker_goes_on(database: Database) -> None:
    run_id = died(database)

    assert states(database, run_id)["run"] == "queued"
    assert store_fixture.kinds(database)[-1] == "run.resumed"


def test_an_open_step_is_unsure_and_a_person_decides(database: Database) -> None:
    run_id = died(database, "copy")

    assert states(database, run_id) | {"run": "needs_decision", "copy": "unsure"} == states(database, run_id)
    with database.read() as connection:
        unsure, question = ledger.after(connection, 0)[-2:]
    assert (unsure.kind.value, unsure.payload["probe"]) == ("step.unsure", ["postgres.beside_rows"])
    assert question.payload["step"] == "copy"
    assert question.payload["choices"] == ["retry", "undo", "stop"]  # nobody has looked yet


def test_a_lease_that_no_worker_took_is_not_waited_for(database: Database) -> None:
    with database.write() as tx:
        drill_incident = drills.ask(tx, Level(2), site="production", service=None, person="aiko", rehearsed=False)
        drill = drills.get(tx.connection, drill_incident.id)
    run = store_fixture.running(database)
    with database.write() as tx:
        for table in (runs_table, drills_table):
            tx.connection.execute(update(table).values(owner="another", lease_until=tx.now + timedelta(days=9999)))

    with database.write() as tx:
        assert leases.expire_leases(tx) == [run.id]
        assert drill is not None and drills.take(tx, drill, "worker", 60)
        assert not drills.take(tx, drill, "worker-2", 60)


def test_a_run_at_work_without_a_lease_is_waited_for_no_longer(database: Database) -> None:
    run = store_fixture.running(database)
    with database.write() as tx:
        tx.connection.execute(update(runs_table).values(owner="another", lease_until=None))

    with database.write() as tx:
        assert leases.expire_leases(tx) == [run.id]


def test_a_step_that_is_safe_to_repeat_is_set_back(database: Database) -> None:
    run_id = died(database, "look")

    assert states(database, run_id) | {"run": "queued", "look": "pending"} == states(database, run_id)
    assert "step.retried" in store_fixture.kinds(database)


def test_what_kills_one_worker_after_another_is_not_begun_once_more_without_a_person(database: Database) -> None:
    run_id = died(database, "look")
    for attempt in range(2, leases.DEATHS + 1):
        assert states(database, run_id)["look"] == "pending"
        with database.write() as tx:
            run = runs.claim(tx, run_id, "worker", -1)
            assert run is not None
            assert steps.start(tx, run, "look", title="look").attempt == attempt
        with database.write() as tx:
            leases.expire_leases(tx)

    assert states(database, run_id) | {"run": "needs_decision", "look": "unsure"} == states(database, run_id)


def test_a_step_that_destroys_is_unsure_whatever_its_runbook_says(database: Database) -> None:
    run_id = died(database, "swap", "look")

    assert states(database, run_id) | {"run": "needs_decision", "swap": "unsure", "look": "pending"} == states(
        database, run_id
    )
    with database.read() as connection:
        assert "undo" in ledger.after(connection, 0)[-1].payload["choices"]


def test_a_lease_that_holds_is_left_alone(database: Database) -> None:
    run = store_fixture.running(database)

    with database.write() as tx:
        assert leases.expire_leases(tx) == []

    assert states(database, run.id)["run"] == "running"


def test_two_bots_that_look_at_once_expire_a_lease_once(database: Database) -> None:
    run = store_fixture.running(database, lease_seconds=-1)

    def look() -> list[str]:
        with database.write() as tx:
            return leases.expire_leases(tx)

    found = store_fixture.at_once(look, look)

    assert sorted(found) == [[], [run.id]]
