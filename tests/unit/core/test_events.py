"""One chain, one seal: any change of any input is another hash."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drbot.core.ledger.events import Event, EventKind, hash_of
from drbot.core.runbooks.runbook import Limits, Step, order_of
from drbot.core.runs.plan import SETTINGS, BackupIdentity, Plan, document_of, question_of, seal_of, short_seal
from drbot.core.runs.run import RUN_TRANSITIONS, STEP_TRANSITIONS, RunState, StepState
from drbot.core.site.inventory import Inventory, KnownProject, KnownService

AT = datetime(2026, 1, 31, 3, tzinfo=UTC)
EVENT = Event(seq=3, at=AT, kind=EventKind.INCIDENT_NOTE, incident=1, person="aiko", payload={"text": "ログ"})


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 4},
        {"at": AT.replace(microsecond=1)},
        {"kind": EventKind.STATUS_UPDATE},
        {"incident": 2},
        {"run": "r1"},
        {"step": "swap"},
        {"person": "ben"},
        {"payload": {"text": "ログ "}},
        {"previous": "1" * 64},
    ],
)
def test_the_hash_covers_every_field(change: dict[str, Any]) -> None:
    assert hash_of(replace(EVENT, **change)) != hash_of(EVENT)


def step(name: str, **more: Any) -> Step:
    return Step(id=name, title={"en": name}, limits=Limits(time=60, budget=10), do="health.wait", **more)


PLAN = Plan(
    runbook="level2-postgres",
    runbook_sha256="c" * 64,
    level=2,
    site="production",
    run="r1",
    steps=(step("fetch"), step("left", after=("fetch",)), step("right", after=("fetch",)), step("end")),
    fingerprint={"engine": "E1", "system_identifier": "unreadable"},
    backup=BackupIdentity(
        place="file:/b",
        name="a.sql.gz",
        size=10,
        sha256="d" * 64,
        snapshot_at=AT,
        manifest=True,
        rows={"authdb.users": 3},
    ),
    target="production",
    replaces=("volume postgres_data",),
    surveyed_at=AT,
)


@pytest.mark.parametrize(
    "change",
    [
        {"target": "staging"},
        {"mode": "drill"},
        {"fingerprint": {"engine": "E2", "system_identifier": "unreadable"}},
        {"steps": PLAN.steps[:-1]},
        {"replaces": ()},
        {"loss_seconds": 1.0},
        {"people": 3},
    ],
)
def test_any_change_of_a_plan_is_another_seal(change: dict[str, Any]) -> None:
    assert seal_of(PLAN.model_copy(update=change)) != seal_of(PLAN)


def test_a_plan_keeps_its_seal_through_the_database() -> None:
    assert seal_of(Plan.model_validate(document_of(PLAN))) == seal_of(PLAN)


def test_a_seal_is_read_out_as_two_groups_of_four() -> None:
    first, second = short_seal(seal_of(PLAN)).split("-")

    assert (len(first), len(second)) == (4, 4)


def test_what_a_no_forbids_does_not_depend_on_the_run() -> None:
    assert question_of(PLAN) == question_of(PLAN.model_copy(update={"run": "r2"}))
    assert question_of(PLAN) != question_of(PLAN.model_copy(update={"target": "staging"}))


def test_what_a_no_forbids_does_not_depend_on_words_or_on_names_that_a_run_gives() -> None:
    """Reworded by an upgrade, what was denied would be a new question to everybody."""
    first, second = (
        PLAN.model_copy(update={"run": run, "replaces": (words,), "steps": (swap(keeper=f"old_{run}"),)})
        for run, words in (("r1", "volume data"), ("r2", "the volume data"))
    )

    assert question_of(first) == question_of(second)
    assert question_of(first) != question_of(first.model_copy(update={"steps": (swap("other", "old_r1"),)}))


def test_what_a_no_to_a_change_of_names_forbids_is_that_address() -> None:
    led = Step.model_validate(
        {"id": "dns", "title": {"en": "x"}, "do": "dns.change", "with": {"site": "new"}, "effect": "destroy"}
    )
    here, there = (
        PLAN.model_copy(update={"steps": (led,), "fingerprint": {SETTINGS: {"sites": {"new": {"address": address}}}}})
        for address in ("10.0.0.1", "10.0.0.2")
    )

    assert question_of(here) != question_of(there)


def test_a_no_to_one_moment_of_a_base_backup_is_none_to_another() -> None:
    assert PLAN.backup is not None
    first, second = (
        PLAN.model_copy(update={"backup": PLAN.backup.model_copy(update={"name": name})})
        for name in ("moment_20260131_021300", "moment_20260131_021307")
    )

    assert question_of(first) != question_of(second)
    assert question_of(first) == question_of(first.model_copy(update={"run": "r2"}))


def swap(volume: str = "data", keeper: str = "") -> Step:
    given = {"volume": volume, "keeper": keeper}
    return Step.model_validate(
        {"id": "swap", "title": {"en": "x"}, "do": "volume.swap", "with": given, "effect": "destroy"}
    )


def test_without_after_a_step_follows_the_one_before() -> None:
    assert order_of(PLAN.steps) == {"fetch": (), "left": ("fetch",), "right": ("fetch",), "end": ("right",)}


def test_every_state_has_its_moves_and_an_end_has_none() -> None:
    assert set(RUN_TRANSITIONS) == set(RunState)
    assert set(STEP_TRANSITIONS) == set(StepState)
    assert {state for state, moves in RUN_TRANSITIONS.items() if not moves} == {
        RunState.SUCCEEDED,
        RunState.FAILED,
        RunState.STOPPED,
    }


def test_a_plan_of_an_older_drbot_keeps_its_seal() -> None:
    """It knew no inventory: while there is none, nothing of it is sealed."""
    known = Inventory(services=(KnownService(project="shop", service="web"),))

    assert "inventory" not in document_of(PLAN)
    assert "projects" not in document_of(PLAN.model_copy(update={"inventory": known}))["inventory"]
    assert seal_of(PLAN.model_copy(update={"inventory": known})) != seal_of(PLAN)


def test_where_a_project_lies_and_what_it_is_started_from_is_sealed() -> None:
    seals = {
        seal_of(PLAN.model_copy(update={"inventory": Inventory(projects=places)}))
        for places in (
            (),
            (KnownProject(project="shop", folder="srv"),),
            (KnownProject(project="shop", folder="srv", files=("stack.yml",)),),
        )
    }

    assert len(seals) == 3
