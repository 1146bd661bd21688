"""Counting what was written since a swap, and giving up exactly one kept volume: on a real engine and PostgreSQL."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.base.table_names import table_name
from drbot.core.runs.stakes import Act, KeptData, Stakes
from drbot.runners.actions import kept
from drbot.runners.clients.container_labels import KEPT_LABEL
from drbot.runners.clients.postgres_server import control_data
from drbot.runners.clients.postgres_written import Written, next_transaction, written_since
from drbot.runners.clients.volume_mover import ORIGINAL_LABEL
from drbot.runners.contract.action import StepContext
from drbot.runners.foundation.permit import volume
from tests.integration.actions.conftest import WorkerFixture, own
from tests.permits import permit

pytestmark = pytest.mark.docker

TABLE = "drbot_counting"
FIRST = 4_000_000_000  # the number of the first large object
OBJECTS = table_name("authdb", "pg_catalog", "pg_largeobject_metadata")


def ask(worker_fixture: WorkerFixture, statement: str) -> str:
    """A statement on the running production, in the database of users."""
    container = worker_fixture.clients.postgres.container()
    assert container is not None
    user = worker_fixture.clients.postgres.settings.user
    command = ["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", "authdb", "-c", statement]
    answer = worker_fixture.clients.docker.execute(container.id, command, seconds=30)
    assert answer.code == 0, answer.output
    return answer.output


@pytest.fixture
def table(worker_fixture: WorkerFixture) -> Iterator[None]:
    ask(worker_fixture, f"CREATE TABLE {TABLE} (id int PRIMARY KEY, word text)")
    ask(worker_fixture, f"INSERT INTO {TABLE} SELECT n, 'before' FROM generate_series(1, 100) AS n")
    ask(worker_fixture, f"VACUUM (FREEZE, ANALYZE) {TABLE}")
    yield
    ask(worker_fixture, f"DROP TABLE {TABLE}")


def counted(worker_fixture: WorkerFixture, since: int) -> Written:
    context = worker_fixture.context("survey", "counting")
    return written_since(
        worker_fixture.clients.docker,
        worker_fixture.clients.postgres,
        since,
        context.labels,
        worker_fixture.stop.is_set,
    )


def test_rows_and_bytes_written_since_a_transaction_are_counted_exactly(
    worker_fixture: WorkerFixture, table: None
) -> None:
    since = int(ask(worker_fixture, "SELECT txid_snapshot_xmax(txid_current_snapshot())"))
    untouched = counted(worker_fixture, since)
    assert (untouched.rows, untouched.bytes, untouched.untouched[f"authdb.{TABLE}"]) == (0, 0, 100)

    ask(worker_fixture, f"INSERT INTO {TABLE} SELECT n, repeat('x', 50) FROM generate_series(101, 107) AS n")
    ask(worker_fixture, f"UPDATE {TABLE} SET word = 'changed' WHERE id <= 5")
    ask(worker_fixture, f"DELETE FROM {TABLE} WHERE id BETWEEN 6 AND 8")
    ask(worker_fixture, f"VACUUM FREEZE {TABLE}")
    found = counted(worker_fixture, since)

    assert found.rows == 7 + 5
    assert found.removed({f"authdb.{TABLE}": 100}) == 5 + 3
    expected = ask(worker_fixture, f"SELECT sum(pg_column_size(t.*)) FROM {TABLE} AS t WHERE id > 100 OR id <= 5")
    assert abs(found.bytes - int(expected)) <= found.rows  # a row's header may be packed by a byte


@pytest.fixture
def objects(worker_fixture: WorkerFixture) -> Iterator[None]:
    """Ten large objects of two pages each, written before anything is counted."""
    ask(
        worker_fixture,
        f"SELECT lo_from_bytea({FIRST} + n, decode(repeat('41', 4096), 'hex')) FROM generate_series(0, 9) AS n",
    )
    yield
    ask(worker_fixture, "SELECT lo_unlink(oid) FROM pg_largeobject_metadata")


def test_large_objects_that_were_written_changed_or_removed_since_a_transaction_are_counted(
    worker_fixture: WorkerFixture, objects: None
) -> None:
    since = int(ask(worker_fixture, "SELECT txid_snapshot_xmax(txid_current_snapshot())"))
    untouched = counted(worker_fixture, since)
    assert (untouched.rows, untouched.bytes, untouched.untouched[OBJECTS]) == (0, 0, 10)

    ask(worker_fixture, "SELECT lo_from_bytea(0, decode(repeat('41', 100000), 'hex')) FROM generate_series(1, 50)")
    ask(worker_fixture, f"SELECT lo_put({FIRST}, 0, 'x')")  # one page of two: its entry in the catalog stays as it was
    ask(worker_fixture, f"SELECT lo_unlink({FIRST} + 1)")
    found = counted(worker_fixture, since)

    assert (found.rows, found.bytes) == (50 + 1, 50 * 100_000 + 2048)
    assert found.removed({OBJECTS: 10}) == 1 + 1


def test_the_first_transaction_of_a_cold_volume_is_read_from_its_control_file(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("survey", "counting")
    clients = worker_fixture.clients
    running = int(ask(worker_fixture, "SELECT txid_snapshot_xmax(txid_current_snapshot())"))

    cancelled = worker_fixture.stop.is_set
    recipe = clients.postgres.recipe(cancelled)
    state = control_data(clients.docker, recipe, worker_fixture.volume, context.labels, cancelled)

    found = next_transaction(state)

    assert found is not None and 0 < found <= running + 1000


def about(worker_fixture: WorkerFixture, name: str, **changes: object) -> StepContext:
    """A step of a plan that two people agreed to give up exactly this volume by."""
    there = worker_fixture.clients.docker.volume(name)
    sealed = {
        "volume": name,
        "original": worker_fixture.volume,
        "incident": 1,
        "made_at": there.created_at if there else "",
        "since": datetime.now(UTC),
        "size": 1,
    }
    context = worker_fixture.context("remove", "give-up", permit=permit(volume(name)))
    stakes = Stakes(act=Act.GIVE_UP, kept=KeptData.model_validate(sealed | changes))
    return replace(context, plan=context.plan.model_copy(update={"stakes": stakes}))


@pytest.fixture
def keeper(worker_fixture: WorkerFixture) -> Iterator[str]:
    name = f"{worker_fixture.volume}_before_{own('give-up')}"
    labels = {"drbot.run": own("give-up"), KEPT_LABEL: "true", ORIGINAL_LABEL: worker_fixture.volume}
    worker_fixture.clients.docker.create_volume(name, labels)
    yield name
    worker_fixture.clients.docker.remove_volume(name, permit(volume(name)))


def test_the_kept_volume_of_the_plan_is_removed_and_no_other(worker_fixture: WorkerFixture, keeper: str) -> None:
    assert kept.remove(about(worker_fixture, keeper), {"volume": keeper}).summary.startswith(f"Deleted {keeper}")

    assert kept.gone(about(worker_fixture, keeper), {"volume": keeper}).passed
    assert worker_fixture.clients.docker.volume(worker_fixture.volume) is not None
    assert kept.remove(about(worker_fixture, keeper), {"volume": keeper}).summary.endswith("was gone already")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"volume": "another"}, "The plan is not about"),
        ({"original": "another"}, "is not kept data of another"),
        ({"made_at": "2020-01-01T00:00:00Z"}, "is not the one of the plan"),
    ],
)
def test_a_volume_that_is_not_the_one_two_people_read_stays(
    worker_fixture: WorkerFixture, keeper: str, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(PermanentError, match=said):
        kept.remove(about(worker_fixture, keeper, **changes), {"volume": keeper})

    assert worker_fixture.clients.docker.volume(keeper) is not None


def test_without_a_permit_for_this_volume_it_stays(worker_fixture: WorkerFixture, keeper: str) -> None:
    context = replace(about(worker_fixture, keeper), permit=permit(volume("another")))

    with pytest.raises(PermanentError, match="Nobody approved"):
        kept.remove(context, {"volume": keeper})

    assert worker_fixture.clients.docker.volume(keeper) is not None


def test_production_is_no_kept_data_whatever_a_plan_says(worker_fixture: WorkerFixture) -> None:
    with pytest.raises(PermanentError, match="is not kept data"):
        kept.remove(about(worker_fixture, worker_fixture.volume), {"volume": worker_fixture.volume})

    assert worker_fixture.clients.docker.volume(worker_fixture.volume) is not None
