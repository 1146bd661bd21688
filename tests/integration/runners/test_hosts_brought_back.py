"""A host comes back as it was put aside only when two people have agreed to that, also where nothing is in its way:
what comes back is started, and may be what nobody wants to run any more.
"""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, update

from drbot.core.base.errors import PermanentError
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.runs.stakes import Act, ProofKind
from drbot.core.runs.stakes_words import loss_text
from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.runners.contract.action import Finding, ProbeFunction
from drbot.runners.foundation import permit
from drbot.store.base.schema import kept, requests, runs
from drbot.store.records import requests as asked
from tests.integration.attacks.rows import vote
from tests.integration.runners.test_edited_files import own, planned, step_of
from tests.integration.runners.test_rows_over_time import of, queued, rows
from tests.integration.runners.worker_fixture import WorkerFixture, with_registry

KEPT = Occupant(
    kind=OccupantKind.CONTAINER, name="old-1", identity="c0", keeper="drbot-kept:old-1_before_r0", is_running=True
)


@pytest.fixture
def host(guarded: WorkerFixture) -> WorkerFixture:
    """An empty host, of which an earlier run has put a container aside."""
    guarded.target.aside = (KEPT,)
    return probing(guarded, occupied=False)


def probing(worker_fixture: WorkerFixture, *, occupied: bool) -> WorkerFixture:
    def answer(passed: bool) -> ProbeFunction:
        return lambda context, given: Finding(passed=passed, sentence="Asked.")

    probes = {name: answer(True) for name in ("host.room", "host.kept", "host.back", "host.empty")}
    acting = worker_fixture.target.acting(lambda given: None)
    return with_registry(
        worker_fixture,
        actions={"host.put_back": acting, "host.set_aside": acting},
        probes={**probes, "host.occupied": answer(occupied)},
    )


def undone(host: WorkerFixture) -> Run:
    """A run of `/dr undo`, as far as it comes by itself."""
    return host.go(host.queue(host.declare().incident, "level3-undo", RunKind.UNDO, aside="r0"))


def calls(host: WorkerFixture) -> list[str]:
    return [step for step in host.target.calls if step in ("set-aside", "put-back")]


def test_nothing_comes_back_to_an_empty_host_before_two_people_agree(host: WorkerFixture) -> None:
    run = undone(host)

    assert (run.state, calls(host)) == (RunState.WAITING, [])
    assert run.plan is not None
    assert (run.plan.stakes.act, run.plan.stakes.proof) == (Act.UNDO, ProofKind.KEPT)
    assert run.plan.replaces == ("nothing is on this host now. What was put aside is put back and STARTED as it was",)
    assert loss_text(run.plan.stakes.loss) == "none"

    vote(host, run.id, "ben")
    assert (host.go(run).state, calls(host)) == (RunState.WAITING, [])
    vote(host, run.id, "chika")
    host.go(run)

    assert calls(host) == ["put-back"]


def test_one_request_is_for_putting_aside_what_is_in_the_way_and_for_bringing_back(guarded: WorkerFixture) -> None:
    guarded.target.aside = (KEPT,)
    host = probing(guarded, occupied=True)
    run = undone(host)
    assert run.plan is not None
    assert run.plan.stakes.act is Act.UNDO
    assert "postgres_data" in "; ".join(run.plan.replaces)

    for person in ("ben", "chika"):
        vote(host, run.id, person)
    host.go(run)

    assert calls(host) == ["set-aside", "put-back"]
    with host.database.read() as connection:
        assert len(asked.of_run(connection, run.id)) == 1


def test_rows_alone_start_nothing_of_what_was_put_aside(host: WorkerFixture) -> None:
    run = undone(host)

    rows(host, delete(requests), of(run, "approval", "look-kept").values(state="succeeded"), queued(run))
    ended = host.go(run)

    assert ended.state is not RunState.SUCCEEDED
    assert calls(host) == []


@pytest.mark.parametrize(
    "change",
    [
        (step_of("level3-undo", "approval", "set-aside"), ""),
        ("for: [set-aside, put-back]", "for: [set-aside]"),
    ],
    ids=["no gate", "a gate for something else"],
)
def test_a_runbook_that_brings_a_host_back_without_asking_is_refused(
    host: WorkerFixture, change: tuple[str, str]
) -> None:
    never_asked = [] if change[1] else [("[approval, ", "[")]

    _, run = planned(host, own("level3-undo", change, *never_asked), RunKind.UNDO, aside="r0")

    assert run.state is RunState.FAILED
    assert "put-back needs two people, but no gate before it names it" in str(run.outcome)
    assert calls(host) == []


def test_the_permit_to_bring_back_is_none_to_delete_what_is_kept() -> None:
    brings = permit.kept(KEPT.keeper)

    assert brings not in (permit.image(KEPT.keeper, KEPT.identity), permit.volume(KEPT.keeper))


def test_what_the_earlier_plan_would_have_told_is_said_to_be_unknown(guarded: WorkerFixture) -> None:
    """What it never put aside is put aside now: without its plan nobody knows that it was to stay."""
    guarded.target.aside = (KEPT,)
    host = probing(guarded, occupied=True)

    run = undone(host)

    assert run.plan is not None
    assert any("not known here any more: of that host only" in warning for warning in run.plan.warnings)


def failing(guarded: WorkerFixture, aside: str, *names: str) -> Run:
    """An undo that cleared the host of these and failed there."""
    target = guarded.target
    target.errors["host.set_aside"] = [PermanentError("The disk is full")]
    run = guarded.go(guarded.queue(guarded.declare().incident if aside == "r0" else 1, "level3-undo", RunKind.UNDO,
                                   aside=aside))  # fmt: skip
    assert run.plan is not None, run.outcome
    for person in ("ben", "chika"):
        vote(guarded, run.id, person)
    target.aside_by[run.id] = tuple(one for one in run.plan.occupants if one.name in names)
    assert guarded.go(run).state is RunState.NEEDS_DECISION
    guarded.stop(run)
    ended = guarded.go(run)
    assert ended.state is RunState.STOPPED, ended.outcome
    for name in names:
        target.volumes.pop(name, None)
    return ended


def test_what_a_stopped_undo_put_aside_of_a_host_comes_back_with_the_rest_of_it(guarded: WorkerFixture) -> None:
    guarded.target.aside_by["r0"] = (KEPT,)
    host = probing(guarded, occupied=True)
    first = failing(host, "r0", "postgres_data")
    second = failing(host, first.id, "redis_data")

    run = host.go(host.queue(first.incident, "level3-undo", RunKind.UNDO, aside=first.id))

    assert run.plan is not None, run.outcome
    kept = {one.name: one.keeper for one in run.plan.aside}
    assert kept["postgres_data"].endswith(first.id) and kept["redis_data"].endswith(second.id)
    assert {"auth-1", "/srv/x"} < kept.keys()


def test_what_is_kept_nowhere_is_said_not_to_come_back(guarded: WorkerFixture) -> None:
    guarded.target.aside_by["r0"] = (KEPT,)
    host = probing(guarded, occupied=True)
    first = failing(host, "r0", "postgres_data")
    del guarded.target.volumes["redis_data"]

    run = host.go(host.queue(first.incident, "level3-undo", RunKind.UNDO, aside=first.id))

    assert run.plan is not None, run.outcome
    assert any(
        "not found among what is kept and do not come back: redis_data" in warning for warning in run.plan.warnings
    )


def kept_by_two(guarded: WorkerFixture) -> tuple[WorkerFixture, Run, Run]:
    """Two undos hold a whole copy of one volume: services were started between them, so the newer one counts."""
    guarded.target.aside_by["r0"] = (KEPT,)
    host = probing(guarded, occupied=True)
    first = failing(host, "r0", "postgres_data")
    guarded.target.volumes["postgres_data"] = "good"  # the first one's copy was whole, its original still there
    return host, first, failing(host, first.id, "postgres_data", "redis_data")


def hidden(host: WorkerFixture, first: Run, second: Run) -> None:
    rows(host, delete(kept).where(kept.c.run == second.id))


def turned_round(host: WorkerFixture, first: Run, second: Run) -> None:
    rows(host, update(kept).where(kept.c.run == second.id).values(run="nobody", id=0))


@pytest.mark.parametrize("spoil", [lambda *given: None, hidden, turned_round], ids=["as it is", "hidden", "turned"])
@pytest.mark.parametrize("of", [0, 1])
def test_rows_choose_none_of_the_copies_that_come_back(
    guarded: WorkerFixture, of: int, spoil: Callable[[WorkerFixture, Run, Run], None]
) -> None:
    host, *both = kept_by_two(guarded)
    spoil(host, *both)

    run = host.go(host.queue(both[0].incident, "level3-undo", RunKind.UNDO, aside=both[of].id))

    assert run.plan is not None, run.outcome
    kept_as = {one.name: one.keeper for one in run.plan.aside}
    assert kept_as["postgres_data"].endswith(both[1].id) and kept_as["redis_data"].endswith(both[1].id)
    assert not any("not found" in warning for warning in run.plan.warnings)


@pytest.mark.parametrize("values", [{"plan": None}, {"kind": "nonsense"}], ids=["no plan", "unreadable"])
def test_what_a_run_without_its_plan_holds_is_said_not_to_come_back(
    guarded: WorkerFixture, values: dict[str, str | None]
) -> None:
    host, first, second = kept_by_two(guarded)
    rows(host, update(runs).where(runs.c.id == second.id).values(**values))

    run = host.go(host.queue(first.incident, "level3-undo", RunKind.UNDO, aside=first.id))

    assert run.plan is not None, run.outcome
    assert any(f"What {second.id} put aside" in warning for warning in run.plan.warnings)
