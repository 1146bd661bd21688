"""Further attacks, thought up beside the table (docs/security.md): Slack, the store below it, and the clock."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from drbot.core.approval import RequestState
from drbot.core.events import EventKind
from drbot.core.incident import Incident
from drbot.core.run import RunState
from drbot.store.schema import requests as requests_table
from drbot.store.schema import votes as votes_table
from drbot.store.waking import wake
from drbot.workspace.client import PeopleError
from tests.integration.attacks.town import Town, town_in, value_behind
from tests.integration.bot.conftest import PATIENCE
from tests.waiting import wait_for


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Town]:
    """A town where a permit lives for a fraction of a second."""
    with town_in(tmp_path, start_within="10ms") as made:
        yield made


def write(town: Town, *statements: object) -> None:
    """Somebody who may write into the database does."""
    with town.scene.database.write() as tx:
        for statement in statements:
            tx.connection.execute(statement)  # type: ignore[call-overload]


def blocked_untouched(town: Town, incident: Incident) -> None:
    town.wait_for_run(incident, RunState.BLOCKED)
    assert town.untouched()


def test_a_target_typed_with_a_letter_of_another_alphabet(town: Town) -> None:
    incident, request = town.asked()

    assert town.vote("U00BEN", town.card(incident), target="pr\u043eduction") == "wrong_target"
    assert town.vote("U00BEN", town.card(incident), target="production\u200b") == "wrong_target"
    assert town.votes(request) == []


def test_an_empty_reason_of_spaces_and_a_reason_no_database_takes(town: Town) -> None:
    incident, request = town.asked()

    assert town.vote("U00BEN", town.card(incident), reason="   ") == "no_reason"
    assert town.vote("U00BEN", town.card(incident), reason="a\x00b") == "counted"
    assert [vote.reason for vote in town.votes(request)] == ["a\ufffdb"]


def test_a_dialog_that_was_opened_for_somebody_else(town: Town) -> None:
    incident, request = town.asked()
    view = town.open_dialog("U00CHIKA", town.card(incident))
    stack = town.scene.workspace.state.views
    stack["U00BEN"] = [view | {"id": "V0STOLEN"}]
    seq = town.head()

    town.scene.people.submit("U00BEN", "V0STOLEN", {"target": {"value": "production"}, "reason": {"value": "x"}})

    assert town.code_after(seq) == "forged"
    assert town.votes(request) == []


def test_a_button_of_another_installation(town: Town, tmp_path: Path) -> None:
    with town_in(tmp_path / "other") as other:
        there, _ = other.asked()
        foreign = value_behind(other.card(there), "vote:approve")
    incident, request = town.asked()

    assert town.forge("U00BEN", town.card(incident), "vote:approve", foreign) == "forged"
    assert town.votes(request) == []


def test_who_chose_the_backup_is_a_requester_too(town: Town) -> None:
    incident, first = town.asked()
    town.vote("U00DAN", town.card(incident), "deny")
    town.wait_for_run(incident, RunState.BLOCKED)
    assert town.scene.people.command("U00BEN", incident.channel or "", "/dr recover backup").acknowledged
    wait_for(lambda: town.request(incident).id != first.id, PATIENCE, "the new request")
    second = town.request(incident)

    assert "ben" in second.requesters
    assert town.press("U00BEN", town.card(incident), "vote:approve") == "requester"


def test_votes_do_not_travel_to_a_fresh_request(town: Town) -> None:
    incident, first = town.asked()
    town.vote("U00BEN", town.card(incident))
    assert town.scene.people.command("U00AIKO", incident.channel or "", "/dr stop").acknowledged
    town.wait_for_run(incident, RunState.STOPPED)
    assert town.state(first) is RequestState.STOPPED
    assert town.scene.people.command("U00AIKO", incident.channel or "", "/dr recover").acknowledged
    wait_for(lambda: town.request(incident).id != first.id, PATIENCE, "the new request")

    assert town.votes(town.request(incident)) == []
    assert town.vote("U00CHIKA", town.card(incident)) == "counted"
    assert town.state(town.request(incident)) is RequestState.OPEN
    assert town.untouched()


def test_stop_after_both_votes(town: Town) -> None:
    incident, request = town.asked()
    hold = town.bench.target.hold("compose.stop")
    town.both_vote(incident)
    assert hold.reached.wait(PATIENCE)

    assert town.scene.people.command("U00BEN", incident.channel or "", "/dr stop wrong system").acknowledged
    wait_for(lambda: town.run_of(incident).stop_requested, PATIENCE, "STOP to be written")
    hold.go_on.set()

    town.wait_for_run(incident, RunState.STOPPED)
    assert town.state(request) is RequestState.STOPPED
    assert town.untouched()


def test_votes_written_into_the_database_for_people_who_may_not_vote(town: Town) -> None:
    incident, request = town.asked()
    now = datetime.now(UTC)
    forged = [
        insert(votes_table).values(
            request=request.id, person=person, decision="approve", reason="-", seal=request.seal, at=now, door="dialog"
        )
        for person in ("aiko", "emi", "nobody")
    ]
    granted = update(requests_table).where(requests_table.c.id == request.id)
    write(town, *forged, granted.values(state="granted", granted_at=now, start_by=now + timedelta(minutes=15)))

    with town.scene.database.write() as tx:
        wake(tx, request.run, "Somebody says so.")

    town.bench.equipment.ring(request.run)

    blocked_untouched(town, incident)
    assert town.state(request) is RequestState.VOID


def test_a_quorum_of_one_written_into_the_database(town: Town) -> None:
    incident, request = town.asked()
    write(town, update(requests_table).where(requests_table.c.id == request.id).values(people=1))

    assert town.vote("U00BEN", town.card(incident)) == "counted"

    assert town.state(request) is RequestState.OPEN
    assert town.untouched()


def test_the_guarded_steps_extended_in_the_database(town: Town) -> None:
    incident, request = town.asked()
    write(town, update(requests_table).where(requests_table.c.id == request.id).values(guards=["restore-beside"]))

    town.both_vote(incident)

    blocked_untouched(town, incident)


def test_a_clock_that_jumped_back(town: Town) -> None:
    incident, request = town.asked()
    hold = town.bench.target.hold("compose.stop")
    town.both_vote(incident)
    assert hold.reached.wait(PATIENCE)
    later = datetime.now(UTC) + timedelta(hours=2)
    of_request = update(requests_table).where(requests_table.c.id == request.id)

    write(town, of_request.values(granted_at=later, start_by=later + timedelta(minutes=15)))
    hold.go_on.set()

    blocked_untouched(town, incident)
    assert town.state(request) is RequestState.VOID


def test_a_vote_after_its_time_and_a_dialog_that_was_left_open(town: Town) -> None:
    incident, request = town.asked()
    view = town.open_dialog("U00BEN", town.card(incident))
    write(town, update(requests_table).where(requests_table.c.id == request.id).values(expires_at=datetime.now(UTC)))
    wait_for(lambda: town.state(request) is RequestState.EXPIRED, PATIENCE, "its end")
    seq = town.head()

    town.scene.people.submit("U00BEN", view["id"], {"target": {"value": "production"}, "reason": {"value": "late"}})

    wait_for(lambda: town.outcomes(seq), PATIENCE, "the refusal")
    assert town.outcomes(seq)[-1].payload["code"] in ("not_live", "expired")
    assert town.votes(request) == []
    blocked_untouched(town, incident)


def test_a_permit_that_came_too_late(late: Town) -> None:
    incident, request = late.asked()

    late.both_vote(incident)

    blocked_untouched(late, incident)
    assert late.state(request) in (RequestState.EXPIRED, RequestState.VOID)


@pytest.mark.parametrize("words", ["@drbot approve", "@drbot deny", "approve DR-1", "/dr approve DR-1 now"])
def test_words_in_the_channel_decide_nothing(town: Town, words: str) -> None:
    incident, request = town.asked()
    seq = town.head()

    town.scene.people.say("U00BEN", incident.channel or "", words)
    if words.startswith("/dr"):
        assert town.scene.people.command("U00BEN", incident.channel or "", words).acknowledged
    asked = town.scene.people.command("U00CHIKA", incident.channel or "", "/dr approve")

    assert asked.acknowledged
    town.scene.people.wait_for_view("U00CHIKA", lambda view: view["callback_id"] == "vote", PATIENCE)
    assert [one for one in town.outcomes(seq) if one.payload.get("decision") == "approve"] == []
    assert town.votes(request) == []
    assert town.untouched()


def test_a_thousandth_second_too_many_clicks(town: Town) -> None:
    """Eight submissions of one dialog at the same moment: one vote."""
    incident, request = town.asked()
    view = town.open_dialog("U00BEN", town.card(incident))
    values = {"target": {"value": "production"}, "reason": {"value": "again and again"}}
    seq = town.head()

    def send() -> int:
        # The dialog closes with the first answer; the others may find it gone, which is fine too.
        try:
            return int(town.scene.people.submit("U00BEN", view["id"], values).acknowledged)
        except PeopleError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(lambda _: send(), range(8)))

    assert taken >= 1
    wait_for(lambda: len(town.outcomes(seq)) == taken, PATIENCE, "what became of each")
    assert [event.kind for event in town.outcomes(seq)].count(EventKind.VOTE_COUNTED) == 1
    assert [vote.person for vote in town.votes(request)] == ["ben"]


def test_a_person_who_was_taken_off_the_roster_after_voting(town: Town) -> None:
    incident, request = town.asked()
    town.vote("U00BEN", town.card(incident))
    write(town, update(votes_table).where(votes_table.c.request == request.id).values(person="former"))

    assert town.vote("U00CHIKA", town.card(incident)) == "counted"

    assert town.state(request) is RequestState.OPEN
    assert town.untouched()


def test_an_account_that_was_deactivated_a_moment_ago_decides_nothing_more(town: Town) -> None:
    incident, request = town.asked()
    view = town.open_dialog("U00BEN", town.card(incident))  # drbot has just seen that Ben is a member
    people, state = town.scene.people, town.scene.workspace.state
    state.people["U00BEN"] = replace(state.people["U00BEN"], deleted=True)

    seq = town.head()
    people.submit("U00BEN", view["id"], {"target": {"value": "production"}, "reason": {"value": "I read it"}})
    voted = town.code_after(seq)
    seq = town.head()
    people.command("U00BEN", incident.channel or "", f"/dr deny {incident.name} no")
    denied = town.code_after(seq)

    assert (voted, denied) == ("account", "account")
    assert town.votes(request) == []
