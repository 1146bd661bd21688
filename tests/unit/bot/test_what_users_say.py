"""After "can users work?": what board and stakeholder post say, and which ways on they offer."""

import json
from dataclasses import replace

import pytest

from drbot.bot.blocks.board import board, sentence
from drbot.bot.blocks.status_post import is_news, status_post
from drbot.bot.outbound.calls import called
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import IncidentState, UsersSay
from drbot.core.runs.run import Offer, RunKind, RunState
from drbot.core.site.data_kinds import DOWN, LOOK
from drbot.core.site.level import Level
from tests.unit.bot.situations import KEPT, buttons, configuration, event, request, run, situation
from tests.unit.bot.test_blocks import commands


def denied() -> IncidentView:
    """Level 2 ended, all checks passed, and a person said that users cannot work."""
    after = replace(run(RunState.FAILED), offers=(Offer.ANOTHER_BACKUP,), next_backup="all_databases_2.sql.gz")
    said = situation(run=after, kept=(KEPT,), state=IncidentState.RECOVERING)
    return replace(said, incident=replace(said.incident, users_say=UsersSay.NO))


def commands_of(shown: IncidentView) -> set[str]:
    return {json.loads(one["value"]).get("command", "") for one in buttons(board(shown))}


def test_after_a_no_what_works_now_is_offered() -> None:
    offered = commands_of(denied())

    assert {"undo DR-7", "recover DR-7", "recover DR-7 backup", "level DR-7 3"} <= offered
    assert "resolve DR-7" not in offered


def test_after_a_no_nothing_is_offered_that_would_be_refused() -> None:
    nothing = replace(denied(), kept=(), runbooks=frozenset())
    offered = commands(board(replace(nothing, run=run(RunState.FAILED))))

    for verb in ("undo", "recover", "level"):
        assert verb not in offered


@pytest.mark.parametrize(("language", "words"), [("en", "people cannot work yet"), ("ja", "まだ利用できません")])
def test_stakeholders_are_told_that_it_does_not_work_yet(language: str, words: str) -> None:
    chosen = configuration(language)

    said = json.dumps(status_post(replace(denied(), configuration=chosen)), ensure_ascii=False)

    assert words in said
    assert "works again" not in said and "復旧しました" not in said


def test_silence_is_told_as_what_it_is() -> None:
    silent = situation(run=run(RunState.SUCCEEDED), state=IncidentState.RECOVERED)
    silent = replace(silent, incident=replace(silent.incident, users_say=UsersSay.NOTHING))

    assert "No person has confirmed yet" in json.dumps(status_post(silent))
    assert "nobody has confirmed yet that users can work" in sentence(silent).casefold()
    assert {"answer DR-7 yes", "answer DR-7 no"} <= commands_of(silent)


def test_an_undo_that_was_not_approved_is_asked_for_again_as_an_undo() -> None:
    blocked = replace(run(RunState.BLOCKED), kind=RunKind.UNDO, offers=(Offer.ASK_AGAIN, Offer.DISCARD))

    offered = commands_of(situation(run=blocked, kept=(KEPT,)))

    assert {"undo DR-7", "discard DR-7"} <= offered
    assert "recover DR-7" not in offered


@pytest.mark.parametrize(
    ("runbook", "arguments", "said"),
    [
        ("level2-postgres", {}, "The data store is damaged."),
        ("level2-settings", {}, "Settings are wrong."),
        ("level2-redis", {}, "Short-lived data (Redis)"),
        ("level2-files", {}, "Files are lost or damaged."),
        ("level2-postgres", {LOOK: "yes"}, "Data may be lost or damaged."),
        ("level2-postgres", {LOOK: "yes", DOWN: ""}, "No damaged data was found."),
    ],
)
def test_stakeholders_are_told_of_the_data_that_is_meant(runbook: str, arguments: dict[str, str], said: str) -> None:
    meant = replace(run(RunState.RUNNING), runbook=runbook, arguments=arguments)

    told = json.dumps(status_post(situation(run=meant)))

    assert said in told
    assert ("data store" in told) is ("data store" in said)


def looked(level: Level = Level.DATABASE) -> IncidentView:
    found = replace(run(RunState.FAILED), arguments={LOOK: "yes", DOWN: ""})
    return situation(run=found, level=level)


def test_that_nothing_is_damaged_is_news_at_once_of_the_look_that_people_wait_for() -> None:
    refused = event(EventKind.RUN_REFUSED, sound=True)

    assert is_news(refused, looked())
    assert not is_news(event(EventKind.RUN_REFUSED), looked())
    assert not is_news(refused, looked(Level.HOST))
    assert not is_news(replace(refused, run="r9-beside"), situation())
    assert called(refused, looked(), looked().run) != ()
    assert called(replace(refused, run="r9-beside"), situation(), looked().run) == ()


def test_a_denied_repair_is_news_at_once_and_one_that_is_blocked_otherwise_is_not() -> None:
    blocked = event(EventKind.RUN_BLOCKED)
    shown = situation(run=run(RunState.BLOCKED), request=request(RequestState.DENIED))

    assert is_news(blocked, shown)
    assert "A decision by our team is needed" in json.dumps(status_post(shown))
    assert not is_news(blocked, replace(shown, request=request(RequestState.EXPIRED)))


@pytest.mark.parametrize("state", [IncidentState.RECOVERED, IncidentState.RESOLVED])
def test_nothing_works_again_while_another_incident_is_open(state: IncidentState) -> None:
    other = replace(situation().incident, id=1)
    over = situation(run=run(RunState.SUCCEEDED), state=state)
    assert "still open" not in json.dumps(status_post(over)).lower()

    told = json.dumps(status_post(replace(over, also_open=(other,))))

    assert "another one is still open" in told and "Still open: DR-1." in told
    assert "works again" not in told and ": resolved" not in told
