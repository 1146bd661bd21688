"""What is written in English is said in another language when it is read again, and the ledger's chain holds."""

import json

import pytest

from drbot.core.base.errors import UserError
from drbot.core.ledger.events import Event
from drbot.core.runs.run import Run, RunState
from drbot.core.text.messages import OwnWords, listed, phrase, say, sentences
from drbot.store import copies
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records import steps
from drbot.store.runs import runs
from tests.integration.store import store_fixture

TITLE = OwnWords({"en": "Look at it", "ja": "確認"})
SUMMARY = phrase("Taken back: {steps}.", steps=listed([TITLE, "swap"]))
SUMMARY_SAID = "取り消し済み: 確認、swap。"
OUTCOME = sentences(phrase("Every check passed."), phrase("Nothing was replaced."))
OUTCOME_SAID = "すべての検査に合格しました。"


@pytest.fixture
def ended(database: Database) -> Run:
    """A run that has ended, after a step that worked."""
    run = store_fixture.running(database)
    with database.write() as tx:
        steps.start(tx, run, "look", title=TITLE)
        steps.succeed(tx, run, "look", summary=SUMMARY, facts={"checks": [SUMMARY]})
        runs.finish(tx, run, RunState.SUCCEEDED, OUTCOME, found={"again": [SUMMARY]})
    return run


def events(database: Database, kind: str) -> list[Event]:
    with database.read() as connection:
        return [event for event in ledger.everything(connection) if event.kind.value == kind]


def assert_said_in_japanese(database: Database, run: Run) -> None:
    with database.read() as connection:
        step, outcome = steps.get(connection, run.id, "look"), str(runs.get(connection, run.id).outcome)
        assert ledger.verify(connection) == []
    assert (step.summary, outcome) == (SUMMARY, OUTCOME)
    assert say(str(step.summary), "ja") == say(step.facts["checks"][0], "ja") == SUMMARY_SAID
    assert say(outcome, "ja").startswith(OUTCOME_SAID)

    (started,), (succeeded,), (finished,) = (
        events(database, kind) for kind in ("step.started", "step.succeeded", "run.succeeded")
    )
    assert say(started.payload["title"], "ja") == "確認"
    assert say(succeeded.payload["summary"], "ja") == SUMMARY_SAID
    assert say(finished.payload["found"]["again"][0], "ja") == SUMMARY_SAID


def test_a_steps_summary_a_runs_outcome_and_an_event_are_said_in_japanese(database: Database, ended: Run) -> None:
    assert_said_in_japanese(database, ended)


def test_a_state_that_was_brought_back_still_says_it(database: Database, ended: Run, elsewhere: Database) -> None:
    with database.read() as connection:
        document = json.dumps(copies.rows_of(connection))
        chain = list(ledger.everything(connection))

    with elsewhere.write() as tx:
        copies.fill(tx, chain, json.loads(document))

    assert_said_in_japanese(elsewhere, ended)


def test_a_refusal_of_the_store_is_said_in_japanese(database: Database, ended: Run) -> None:
    with pytest.raises(UserError) as caught, database.write() as tx:
        steps.settle(tx, ended.id, "nowhere", "retry", "aiko")

    assert say(caught.value.todo, "ja") != caught.value.todo
