"""What people read is what their votes are for: rows that show another plan are said not to be voted on, everywhere."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Table, select, update

from drbot.bot.blocks.approval_card import approval_card, card_sentence
from drbot.bot.blocks.board import board
from drbot.bot.blocks.home import home
from drbot.bot.outbound.calls import called
from drbot.commands.speech.messages import Reply
from drbot.commands.verb.approve import dialog_of
from drbot.commands.views.available_actions import available_actions
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import ApprovalRequest, EntryPoint, RequestState
from drbot.core.base.errors import UserError
from drbot.core.ledger.events import EventKind
from drbot.core.runs.plan import short_seal
from drbot.core.runs.run import StopKind
from drbot.core.site.site import DRILL_SITE
from drbot.store.base import schema
from drbot.store.records import requests
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import VerbFixture

DO_NOT_VOTE = "Do not vote"


def of_plan(**fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {"plan": row["plan"] | fields}


def step_in_plan(row: dict[str, Any]) -> dict[str, Any]:
    first, *others = row["plan"]["steps"]
    return {"plan": row["plan"] | {"steps": [first | {"title": "Look at a copy"}, *others]}}


def gate_of_one(plan: dict[str, Any]) -> dict[str, Any]:
    """No drbot could have made it."""
    return plan | {
        "steps": [one | {"gate": one["gate"] | {"people": 1}} if one.get("gate") else one for one in plan["steps"]]
    }


Edit = tuple[Table, Callable[[dict[str, Any]], dict[str, Any]]]
EDITS: Mapping[str, Edit] = {
    "what is replaced": (schema.runs, of_plan(replaces=["volume of a copy"])),
    "a step of the plan": (schema.runs, step_in_plan),
    "the plan's target": (schema.runs, of_plan(target="staging")),
    "the plan's mode": (schema.runs, of_plan(mode="drill", copy_of="production")),
    "a gate of one person": (schema.runs, lambda row: {"plan": gate_of_one(row["plan"])}),
    "no plan": (schema.runs, lambda row: {"plan": None}),
    "the runbook": (schema.runs, lambda row: {"runbook": "level1-restart"}),
    "the step's row": (schema.steps, lambda row: {"id": "look-only"} if row["id"] == "swap" else {}),
    "the order of steps": (schema.steps, lambda row: {"position": -row["position"]}),
    "the request's target": (schema.requests, lambda row: {"target": "staging"}),
    "what the request guards": (schema.requests, lambda row: {"guards": []}),
    "who asked": (schema.requests, lambda row: {"requesters": ["dan"]}),
    "how many people": (schema.requests, lambda row: {"people": 1}),
    "the incident's mode": (schema.incidents, lambda row: {"site": DRILL_SITE}),
}


@contextmanager
def edited(verb_fixture: VerbFixture, edit: Edit) -> Iterator[None]:
    """Rows say something else, until they are put back."""
    table, change = edit
    keys = [column.name for column in table.primary_key]
    with verb_fixture.database.read() as conn:
        before = [dict(row) for row in conn.execute(select(table)).mappings()]
    after = [row | change(row) for row in before]
    write(verb_fixture, table, keys, before, after)
    yield
    write(verb_fixture, table, keys, after, before)


def write(verb_fixture: VerbFixture, table: Table, keys: list[str], now: list[Any], then: list[Any]) -> None:
    with verb_fixture.database.write() as tx:
        for row, values in zip(now, then, strict=True):
            which = [table.c[key] == row[key] for key in keys]
            tx.connection.execute(update(table).where(*which).values(**values))


def vote(verb_fixture: VerbFixture, asked: ApprovalRequest, entry_point: EntryPoint, verb: str = "approve") -> Reply:
    """An old dialog or a terminal that names the genuine plan."""
    kept = {"request": asked.id, "seal": asked.seal} if entry_point is EntryPoint.DIALOG else {}
    values = {"seal": short_seal(asked.seal), "target": "production", "reason": "read it"} | kept
    return verb_fixture.say("ben", f"{verb} 1", entry_point=entry_point, values=values)


def texts(view: IncidentView) -> Mapping[str, str]:
    return {
        "card": str(approval_card(view, is_current=True)),
        "notification": card_sentence(view),
        "board": str(board(view)),
    }


@pytest.mark.parametrize("name", EDITS)
def test_every_surface_says_not_to_vote_until_the_row_is_put_back(verb_fixture: VerbFixture, name: str) -> None:
    verb_fixture.asked()
    ben = verb_fixture.context.roster.person("ben")

    with edited(verb_fixture, EDITS[name]):
        view = verb_fixture.view()
        status = verb_fixture.say("ben", "status 1", entry_point=EntryPoint.TERMINAL)
        at_home = str(home("system", ben, [view], [], "en"))

    for surface, said in {**texts(view), "status": str(status.tables)}.items():
        assert DO_NOT_VOTE in said, surface
        assert "'vote:" not in said, surface
    assert not {"approve", "deny"} & {action.verb for action in available_actions(view)}
    assert "'vote:" not in at_home
    assert "volume of a copy" not in texts(view)["card"]
    whole = verb_fixture.view()
    assert not any(DO_NOT_VOTE in said for said in texts(whole).values())
    assert {"approve", "deny"} <= {action.verb for action in available_actions(whole)}


@pytest.mark.parametrize("name", EDITS)
def test_no_dialog_opens_and_no_vote_counts_until_the_row_is_put_back(verb_fixture: VerbFixture, name: str) -> None:
    _, asked = verb_fixture.asked()
    ben = verb_fixture.context.roster.person("ben")

    with edited(verb_fixture, EDITS[name]):
        for decision in ("approve", "deny"):
            with pytest.raises(UserError, match=DO_NOT_VOTE):
                dialog_of(verb_fixture.context, asked.id, ben, decision=decision)
        for entry_point in (EntryPoint.COMMAND, EntryPoint.TERMINAL):
            shown = verb_fixture.say("ben", "approve 1", entry_point=entry_point)
            assert DO_NOT_VOTE in shown.text and shown.dialog is None and not shown.tables
        for entry_point in (EntryPoint.DIALOG, EntryPoint.TERMINAL):
            refused = vote(verb_fixture, asked, entry_point)
            assert not refused.ok and DO_NOT_VOTE in refused.text

    with verb_fixture.database.read() as conn:
        assert requests.votes(conn, asked.id) == []
    codes = {event.payload["code"] for event in verb_fixture.events(EventKind.VOTE_REFUSED)}
    assert codes == {"not_as_sealed"}
    assert dialog_of(verb_fixture.context, asked.id, ben).request == asked.id
    assert vote(verb_fixture, asked, EntryPoint.DIALOG).ok


def test_a_no_counts_whatever_rows_show(verb_fixture: VerbFixture) -> None:
    """Rows could else keep a veto away, until break-glass has waited long enough."""
    _, asked = verb_fixture.asked()

    with edited(verb_fixture, EDITS["what is replaced"]):
        denied = verb_fixture.say("ben", "deny 1 this is not what we talked about")

    assert denied.ok
    with verb_fixture.database.read() as conn:
        assert requests.get(conn, asked.id).state is RequestState.DENIED


def test_nobody_is_called_to_approve_what_is_not_the_plan(verb_fixture: VerbFixture) -> None:
    verb_fixture.asked()
    (opened,) = verb_fixture.events(EventKind.REQUEST_OPENED)

    with edited(verb_fixture, EDITS["the request's target"]):
        view = verb_fixture.view()

    assert called(opened, view, view.run) == ()
    assert called(opened, verb_fixture.view(), view.run)


def test_a_request_that_has_ended_warns_nobody(verb_fixture: VerbFixture) -> None:
    run, _ = verb_fixture.asked()
    with verb_fixture.database.write() as tx:
        runs.request_stop(tx, run.id, "aiko", "enough", kind=StopKind.PERSON)
        requests.end_live(tx, run, RequestState.STOPPED, why="enough")

    with edited(verb_fixture, EDITS["what is replaced"]):
        assert not any(DO_NOT_VOTE in said for said in texts(verb_fixture.view()).values())
