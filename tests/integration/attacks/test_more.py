"""Further attacks, thought up beside the table (docs/security.md): Slack, the store below it, and the clock."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState
from drbot.slack_simulator.client import PeopleError
from drbot.store.base.schema import requests as requests_table
from drbot.store.base.schema import votes as votes_table
from drbot.store.base.waking import wake
from tests.integration.attacks.incident_app import IncidentApp, incident_app_in, value_behind
from tests.integration.bot.conftest import PATIENCE
from tests.waiting import wait_for

pytestmark = pytest.mark.more


@pytest.fixture
def late(tmp_path: Path) -> Iterator[IncidentApp]:
    """An app where a permit lives for a fraction of a second."""
    with incident_app_in(tmp_path, start_within="10ms") as made:
        yield made


def write(incident_app: IncidentApp, *statements: object) -> None:
    """Somebody who may write into the database does."""
    with incident_app.scene.database.write() as tx:
        for statement in statements:
            tx.connection.execute(statement)  # type: ignore[call-overload]


def blocked_untouched(incident_app: IncidentApp, incident: Incident) -> None:
    incident_app.wait_for_run(incident, RunState.BLOCKED)
    assert incident_app.untouched()


def test_a_target_typed_with_a_letter_of_another_alphabet(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()

    assert incident_app.vote("U00BEN", incident_app.card(incident), target="pr\u043eduction") == "wrong_target"
    assert incident_app.vote("U00BEN", incident_app.card(incident), target="production\u200b") == "wrong_target"
    assert incident_app.votes(request) == []


def test_an_empty_reason_of_spaces_and_a_reason_no_database_takes(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()

    assert incident_app.vote("U00BEN", incident_app.card(incident), reason="   ") == "no_reason"
    assert incident_app.vote("U00BEN", incident_app.card(incident), reason="a\x00b") == "counted"
    assert [vote.reason for vote in incident_app.votes(request)] == ["a\ufffdb"]


def test_a_dialog_that_was_opened_for_somebody_else(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    view = incident_app.open_dialog("U00CHIKA", incident_app.card(incident))
    stack = incident_app.scene.simulator.state.views
    stack["U00BEN"] = [view | {"id": "V0STOLEN"}]
    seq = incident_app.head()

    incident_app.scene.people.submit(
        "U00BEN", "V0STOLEN", {"target": {"value": "production"}, "reason": {"value": "x"}}
    )

    assert incident_app.code_after(seq) == "forged"
    assert incident_app.votes(request) == []


def test_a_button_of_another_installation(incident_app: IncidentApp, tmp_path: Path) -> None:
    with incident_app_in(tmp_path / "other") as other:
        there, _ = other.asked()
        foreign = value_behind(other.card(there), "vote:approve")
    incident, request = incident_app.asked()

    assert incident_app.forge("U00BEN", incident_app.card(incident), "vote:approve", foreign) == "forged"
    assert incident_app.votes(request) == []


def test_who_chose_the_backup_is_a_requester_too(incident_app: IncidentApp) -> None:
    incident, first = incident_app.asked()
    incident_app.vote("U00DAN", incident_app.card(incident), "deny")
    incident_app.wait_for_run(incident, RunState.BLOCKED)
    assert incident_app.scene.people.command("U00BEN", incident.channel or "", "/dr recover backup").acknowledged
    wait_for(lambda: incident_app.request(incident).id != first.id, PATIENCE, "the new request")
    second = incident_app.request(incident)

    assert "ben" in second.requesters
    assert incident_app.press("U00BEN", incident_app.card(incident), "vote:approve") == "requester"


def test_votes_do_not_travel_to_a_fresh_request(incident_app: IncidentApp) -> None:
    incident, first = incident_app.asked()
    incident_app.vote("U00BEN", incident_app.card(incident))
    assert incident_app.scene.people.command("U00AIKO", incident.channel or "", "/dr stop").acknowledged
    incident_app.wait_for_run(incident, RunState.STOPPED)
    assert incident_app.state(first) is RequestState.STOPPED
    assert incident_app.scene.people.command("U00AIKO", incident.channel or "", "/dr recover").acknowledged
    wait_for(lambda: incident_app.request(incident).id != first.id, PATIENCE, "the new request")

    assert incident_app.votes(incident_app.request(incident)) == []
    assert incident_app.vote("U00CHIKA", incident_app.card(incident)) == "counted"
    assert incident_app.state(incident_app.request(incident)) is RequestState.OPEN
    assert incident_app.untouched()


def test_stop_after_both_votes(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    hold = incident_app.worker_fixture.target.hold("compose.stop")
    incident_app.both_vote(incident)
    assert hold.reached.wait(PATIENCE)

    assert incident_app.scene.people.command("U00BEN", incident.channel or "", "/dr stop wrong system").acknowledged
    wait_for(lambda: incident_app.run_of(incident).stop_requested, PATIENCE, "STOP to be written")
    hold.go_on.set()

    incident_app.wait_for_run(incident, RunState.STOPPED)
    assert incident_app.state(request) is RequestState.STOPPED
    assert incident_app.untouched()


def test_votes_written_into_the_database_for_people_who_may_not_vote(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    now = datetime.now(UTC)
    forged = [
        insert(votes_table).values(
            request=request.id,
            person=person,
            decision="approve",
            reason="-",
            seal=request.seal,
            at=now,
            entry_point="dialog",
        )
        for person in ("aiko", "emi", "nobody")
    ]
    granted = update(requests_table).where(requests_table.c.id == request.id)
    write(incident_app, *forged, granted.values(state="granted", granted_at=now, start_by=now + timedelta(minutes=15)))

    with incident_app.scene.database.write() as tx:
        wake(tx, request.run, "Somebody says so.")

    incident_app.worker_fixture.worker_context.ring(request.run)

    blocked_untouched(incident_app, incident)
    assert incident_app.state(request) is RequestState.VOID


def test_a_quorum_of_one_written_into_the_database(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    view = incident_app.open_dialog("U00BEN", incident_app.card(incident))

    write(incident_app, update(requests_table).where(requests_table.c.id == request.id).values(people=1))

    assert incident_app.submit("U00BEN", view) == "not_as_sealed"
    assert incident_app.state(request) is RequestState.OPEN
    assert incident_app.untouched()


def test_the_guarded_steps_extended_in_the_database(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    hold = incident_app.worker_fixture.target.hold("compose.stop")
    incident_app.both_vote(incident)
    assert hold.reached.wait(PATIENCE)

    write(
        incident_app, update(requests_table).where(requests_table.c.id == request.id).values(guards=["restore-beside"])
    )
    hold.go_on.set()

    blocked_untouched(incident_app, incident)


def test_a_clock_that_jumped_back(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    hold = incident_app.worker_fixture.target.hold("compose.stop")
    incident_app.both_vote(incident)
    assert hold.reached.wait(PATIENCE)
    later = datetime.now(UTC) + timedelta(hours=2)
    of_request = update(requests_table).where(requests_table.c.id == request.id)

    write(incident_app, of_request.values(granted_at=later, start_by=later + timedelta(minutes=15)))
    hold.go_on.set()

    blocked_untouched(incident_app, incident)
    assert incident_app.state(request) is RequestState.VOID


def test_a_vote_after_its_time_and_a_dialog_that_was_left_open(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    view = incident_app.open_dialog("U00BEN", incident_app.card(incident))
    write(
        incident_app,
        update(requests_table).where(requests_table.c.id == request.id).values(expires_at=datetime.now(UTC)),
    )
    wait_for(lambda: incident_app.state(request) is RequestState.EXPIRED, PATIENCE, "its end")
    seq = incident_app.head()

    incident_app.scene.people.submit(
        "U00BEN", view["id"], {"target": {"value": "production"}, "reason": {"value": "late"}}
    )

    wait_for(lambda: incident_app.outcomes(seq), PATIENCE, "the refusal")
    assert incident_app.outcomes(seq)[-1].payload["code"] in ("not_live", "expired")
    assert incident_app.votes(request) == []
    blocked_untouched(incident_app, incident)


def test_a_permit_that_came_too_late(late: IncidentApp) -> None:
    incident, request = late.asked()

    late.both_vote(incident)

    blocked_untouched(late, incident)
    assert late.state(request) in (RequestState.EXPIRED, RequestState.VOID)


@pytest.mark.parametrize("words", ["@drbot approve", "@drbot deny", "approve DR-1", "/dr approve DR-1 now"])
def test_words_in_the_channel_decide_nothing(incident_app: IncidentApp, words: str) -> None:
    incident, request = incident_app.asked()
    seq = incident_app.head()

    incident_app.scene.people.say("U00BEN", incident.channel or "", words)
    if words.startswith("/dr"):
        assert incident_app.scene.people.command("U00BEN", incident.channel or "", words).acknowledged
    asked = incident_app.scene.people.command("U00CHIKA", incident.channel or "", "/dr approve")

    assert asked.acknowledged
    incident_app.scene.people.wait_for_view("U00CHIKA", lambda view: view["callback_id"] == "vote", PATIENCE)
    assert [one for one in incident_app.outcomes(seq) if one.payload.get("decision") == "approve"] == []
    assert incident_app.votes(request) == []
    assert incident_app.untouched()


def test_a_thousandth_second_too_many_clicks(incident_app: IncidentApp) -> None:
    """Eight submissions of one dialog at the same moment: one vote."""
    incident, request = incident_app.asked()
    view = incident_app.open_dialog("U00BEN", incident_app.card(incident))
    values = {"target": {"value": "production"}, "reason": {"value": "again and again"}}
    seq = incident_app.head()

    def send() -> int:
        # The dialog closes with the first answer; the others may find it gone, which is fine too.
        try:
            return int(incident_app.scene.people.submit("U00BEN", view["id"], values).acknowledged)
        except PeopleError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(lambda _: send(), range(8)))

    assert taken >= 1
    wait_for(lambda: len(incident_app.outcomes(seq)) == taken, PATIENCE, "what became of each")
    assert [event.kind for event in incident_app.outcomes(seq)].count(EventKind.VOTE_COUNTED) == 1
    assert [vote.person for vote in incident_app.votes(request)] == ["ben"]


def test_a_person_who_was_taken_off_the_roster_after_voting(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    incident_app.vote("U00BEN", incident_app.card(incident))
    write(incident_app, update(votes_table).where(votes_table.c.request == request.id).values(person="former"))

    assert incident_app.vote("U00CHIKA", incident_app.card(incident)) == "counted"

    assert incident_app.state(request) is RequestState.OPEN
    assert incident_app.untouched()


def test_an_account_that_was_deactivated_a_moment_ago_decides_nothing_more(incident_app: IncidentApp) -> None:
    incident, request = incident_app.asked()
    view = incident_app.open_dialog("U00BEN", incident_app.card(incident))  # drbot has just seen that Ben is a member
    people, state = incident_app.scene.people, incident_app.scene.simulator.state
    state.people["U00BEN"] = replace(state.people["U00BEN"], deleted=True)

    seq = incident_app.head()
    people.submit("U00BEN", view["id"], {"target": {"value": "production"}, "reason": {"value": "I read it"}})
    voted = incident_app.code_after(seq)
    seq = incident_app.head()
    people.command("U00BEN", incident.channel or "", f"/dr deny {incident.name} no")
    denied = incident_app.code_after(seq)

    assert (voted, denied) == ("account", "account")
    assert incident_app.votes(request) == []
