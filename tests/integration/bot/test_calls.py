"""Who must act is reached: by a mention in the channel and by one direct message; nobody twice, nobody for a drill."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from drbot.core.runs.incident import Incident, UsersSay
from drbot.core.runs.run import Run, RunState
from drbot.core.site.site import DRILL_SITE
from drbot.core.text.messages import OwnWords
from drbot.store.base import schema, waking
from drbot.store.records import incidents, steps, surfaces
from drbot.store.runs import runs
from tests.integration.bot.conftest import PATIENCE, Message, Scene
from tests.integration.bot.worker import planned
from tests.integration.store.store_fixture import opened
from tests.waiting import wait_for

AIKO, BEN, CHIKA, DAN = "U00AIKO", "U00BEN", "U00CHIKA", "U00DAN"
EVERYBODY = (AIKO, BEN, CHIKA, DAN)


def directly(scene: Scene, user: str) -> list[str]:
    """What drbot wrote to this person alone, oldest first."""
    rooms = [room for room in scene.people.channels(user) if room["is_im"]]
    return [one["text"] for room in rooms for one in room["messages"]]


FAILED = "copy"
"""The step that failed: in every message about it, in both languages, and in no other."""


def called(scene: Scene, words: str) -> set[str]:
    """Who got a direct message with these words, in either language."""
    return {user for user in EVERYBODY if any(words in text for text in directly(scene, user))}


def shown(scene: Scene) -> bool:
    with scene.database.read() as connection:
        return surfaces.cursor(connection, "publisher") >= scene.events()[-1].seq


def mentioned(message: Message) -> set[str]:
    return {user for user in EVERYBODY if f"<@{user}>" in str(message["blocks"])}


def test_a_declaration_reaches_everybody_who_can_recover_but_who_declared_it(served: Scene) -> None:
    incident = served.declare()

    line = served.message(incident.channel, lambda one: "Aiko declared level" in str(one["blocks"]), "the milestone")
    wait_for(lambda: called(served, f"<#{incident.channel}>") == {BEN, CHIKA}, PATIENCE, "the direct messages")
    assert mentioned(line) == {BEN, CHIKA}
    (english,) = directly(served, BEN)
    (japanese,) = directly(served, CHIKA)
    assert "PostgreSQL does not start" in english and "宣言しました" in japanese


def test_a_request_reaches_those_whose_vote_counts_once(served: Scene) -> None:
    incident = served.declare()
    run = planned(served.database, incident)

    opened(served.database, run)

    served.message(incident.channel, lambda one: "Approval needed" in one["text"], "the card")
    wait_for(lambda: called(served, "production") == {BEN, CHIKA}, PATIENCE, "the direct messages")
    wait_for(lambda: shown(served), PATIENCE, "everything to be shown")
    assert [len([text for text in directly(served, user) if "production" in text]) for user in (BEN, CHIKA)] == [1, 1]


def decide(scene: Scene, run: Run) -> None:
    with scene.database.write() as tx:
        steps.start(tx, run, "copy", title="copy")
        steps.fail(tx, run, "copy", why="The disk is full.")
        steps.found(tx, run.id, "copy", passed=False, sentence="It looks not done.")
        told: dict[str, Any] = {"question": "…", "finding": "It looks not done.", "choices": ["retry", "stop"]}
        assert runs.park(tx, run, RunState.NEEDS_DECISION, seen_wakes=0, step="copy", **told)


def block(scene: Scene, run: Run) -> None:
    with scene.database.write() as tx:
        assert runs.park(tx, run, RunState.BLOCKED, seen_wakes=0, why="The copy failed.", choices=["discard"])


def fail(scene: Scene, run: Run) -> None:
    with scene.database.write() as tx:
        runs.finish(tx, run, RunState.FAILED, "The copy failed.", step="copy", why="The copy failed.")


def ask(scene: Scene, run: Run) -> None:
    with scene.database.write() as tx:
        steps.ask(tx, run, "confirm", OwnWords({"en": "Can you sign in?", "ja": "ログインできますか?"}), ["yes", "no"])


def say_no(scene: Scene, run: Run) -> None:
    with scene.database.write() as tx:
        incidents.users_say(tx, run.incident, UsersSay.NO, "aiko", run.id)


def say_nothing(scene: Scene, run: Run) -> None:
    with scene.database.write() as tx:
        incidents.users_say(tx, run.incident, UsersSay.NOTHING, None, run.id)


ABLE = {AIKO, BEN, CHIKA}


@pytest.mark.parametrize(
    ("happens", "mark", "who"),
    [
        (decide, ":raised_hand:", ABLE),
        (block, ":construction:", ABLE),
        (fail, ":x:", ABLE),
        (ask, ":question:", ABLE),
        (say_no, ":x:", ABLE - {AIKO}),
        (say_nothing, ":grey_question:", ABLE),
    ],
)
def test_what_needs_a_person_mentions_and_reaches_everybody_who_may_do_it(
    served: Scene, happens: Callable[[Scene, Run], None], mark: str, who: set[str]
) -> None:
    incident = served.declare()
    run = planned(served.database, incident)
    wait_for(lambda: shown(served), PATIENCE, "the beginning")

    happens(served, run)

    wait_for(lambda: called(served, mark) == who, PATIENCE, "the direct messages")
    wait_for(lambda: milestones(served, incident, mark), PATIENCE, "the milestone")
    assert [mentioned(one) for one in milestones(served, incident, mark)] == [who]


def milestones(scene: Scene, incident: Incident, mark: str) -> list[Message]:
    """The messages in the channel about it, whose last line names the ledger's head; the board is none."""
    return [one for one in scene.messages(incident.channel) if mark in str(one) and "Ledger" in str(one)]


def calls_of(scene: Scene, incident: Incident, happens: Callable[[Run], None]) -> dict[str, int]:
    """How many direct messages about a decision came while everything was shown."""
    run = planned(scene.database, incident)
    happens(run)
    wait_for(lambda: milestones(scene, incident, HAND), PATIENCE, "the milestone")
    wait_for(lambda: shown(scene), PATIENCE, "everything to be shown")
    found = {user: len([text for text in directly(scene, user) if HAND in text]) for user in EVERYBODY}
    return {user: count for user, count in found.items() if count}


HAND = ":raised_hand:"


@pytest.mark.more
def test_nobody_is_called_twice_when_answers_are_lost_and_the_bot_restarts(scene: Scene) -> None:
    scene.start_bot()
    scene.people.wait_for_connection()
    incident = scene.declare()
    wait_for(lambda: called(scene, "declared level") and shown(scene), PATIENCE, "the beginning")
    scene.people.set_faults(lost_answers={"chat.postMessage": 2})

    def happens(run: Run) -> None:
        decide(scene, run)
        wait_for(lambda: called(scene, HAND), PATIENCE, "the first call")
        scene.stop_bot()
        scene.start_bot()

    assert calls_of(scene, incident, happens) == {AIKO: 1, BEN: 1, CHIKA: 1}


def test_nobody_is_called_for_what_was_decided_while_slack_was_away(served: Scene) -> None:
    incident = served.declare()
    wait_for(lambda: shown(served), PATIENCE, "the beginning")

    def happens(run: Run) -> None:
        served.people.set_faults(down=True)
        decide(served, run)
        with served.database.write() as tx:
            waking.wake(tx, run.id, "Ben settled it.")
        served.people.set_faults(down=False)

    assert calls_of(served, incident, happens) == {}


def test_a_drill_calls_nobody(served: Scene) -> None:
    incident = served.declare()
    wait_for(lambda: shown(served), PATIENCE, "the beginning")

    def happens(run: Run) -> None:
        with served.database.write() as tx:
            tx.connection.execute(update(schema.incidents).values(site=DRILL_SITE))
        decide(served, run)

    assert calls_of(served, incident, happens) == {}
