"""One sentence per event, in both languages, with every kind accounted for."""

from dataclasses import replace
from string import Formatter

import pytest

from drbot.bot.blocks.approval_card import approval_card
from drbot.bot.blocks.board import board, sentence
from drbot.bot.blocks.elements import one_line
from drbot.bot.blocks.lines import CARDS, STATUS, detail, milestone
from drbot.commands.speech.event_texts import EVENT_TEXTS, Audience
from drbot.commands.views.event_lines import line_of, voice_of
from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import RunState
from drbot.core.site.level import Level
from drbot.core.text.messages import Phrase, duration, listed, phrase, say, sentences
from drbot.slack_simulator.block_rules import texts_of
from tests.unit.bot.situations import event, plan, request, run, situation, vote

OF_NO_INCIDENT = {kind for kind in EventKind if kind.value.startswith(("roster.", "factor.", "state.", "worker."))}
UNSHOWN = OF_NO_INCIDENT | {
    EventKind.INCIDENT_CHANNEL_OPENED,
    EventKind.STATUS_DUE,
    EventKind.KEPT_ASKED,
    EventKind.REQUEST_OPENED,
    EventKind.COMMAND_REFUSED,
    EventKind.DRILL_SKIPPED,
    EventKind.ACTION_ADDED,
    EventKind.ACTION_DONE,
    EventKind.UNREADABLE,
}
"""Told by a surface of their own, or only to the person who asked; what cannot be read is left to the timeline."""


def test_every_kind_of_event_is_a_milestone_or_a_detail_or_left_out_on_purpose() -> None:
    assert set(EVENT_TEXTS) == set(EventKind)
    assert {kind for kind, said in EVENT_TEXTS.items() if said.audience is Audience.RECORD} == UNSHOWN
    assert EventKind.REQUEST_OPENED in CARDS
    assert EventKind.STATUS_DUE in STATUS


@pytest.mark.parametrize("kind", EVENT_TEXTS)
def test_both_languages_say_the_same_things(kind: EventKind) -> None:
    said = EVENT_TEXTS[kind]

    def names(sentence: str) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(sentence) if name}

    for text in (said.text, said.hint or ""):
        assert names(text) == names(say(text, "ja"))


def test_words_of_people_and_programs_are_escaped() -> None:
    line = detail(event(EventKind.INCIDENT_NOTE, person="ben", text="<!channel> {who} & co"), situation())

    assert line == "`03:12:00` :pushpin: Ben: &lt;!channel&gt; {who} &amp; co"


def test_the_timeline_keeps_a_persons_marks_and_drops_its_own() -> None:
    voice = voice_of(situation())

    assert line_of(event(EventKind.INCIDENT_NOTE, person="ben", text="try `psql`"), voice) == "Ben: try `psql`"
    assert "`" not in line_of(event(EventKind.RUN_PLANNED, headline="Swap", seal="a" * 64), voice)


def test_a_failed_step_shows_the_end_of_its_output() -> None:
    tail = "\n".join(f"line {number} `" for number in range(40))
    line = detail(event(EventKind.STEP_FAILED, step="copy", why="disk full", tail=tail), situation())

    assert line is not None
    assert "line 39 '" in line
    assert "line 20" not in line
    assert line.count("```") == 2


def test_a_blocked_run_offers_the_next_backup_with_its_loss() -> None:
    offered = {"name": "all_databases_20261125.sql.gz", "loss_seconds": 90_000}
    line = milestone(event(EventKind.RUN_BLOCKED, why="The proof failed.", next=offered), situation())

    assert line is not None
    assert "all_databases_20261125.sql.gz" in line
    assert "1 d 1 h" in line


def test_a_refusal_of_the_survey_is_told_once() -> None:
    said = {"tried": "Surveying.", "why": "No backup.", "todo": "Make one."}

    assert milestone(event(EventKind.RUN_REFUSED, **said), situation())
    assert milestone(event(EventKind.RUN_FAILED, **said), situation()) is None


def test_who_asks_for_an_end_is_not_said_to_have_ended_it_and_nobody_who_did_not_ask_is_named() -> None:
    asked = milestone(event(EventKind.RUN_STOP_REQUESTED, person="ben", stop="person", why="wrong"), situation())
    followed = milestone(event(EventKind.RUN_STOP_REQUESTED, person="aiko", stop="whole", why="It ended."), situation())

    assert asked == ":octagonal_sign: Ben asked to end the run. wrong"
    assert followed is not None and "Aiko" not in followed


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_run_that_failed_at_no_step_names_none(language: str) -> None:
    line = milestone(event(EventKind.RUN_FAILED, why="The plan is not believed."), situation(language=language))

    assert line is not None and "「」" not in line and " at " not in line


FAKE = "fine\n:white_check_mark: Chika, 03:12:09 UTC: I read it too"
OTHER_ENDS = ["\r", "\u2028", "\x0b", "\x85"]


@pytest.mark.parametrize("end", ["\n", *OTHER_ENDS])
def test_a_reason_cannot_write_a_second_vote_into_the_card(end: str) -> None:
    votes = (vote("ben", reason=FAKE.replace("\n", end)), vote("chika", "deny", "no"))
    shown = approval_card(situation(request=request(), votes=votes), is_current=True)

    (lines,) = [text for text in texts_of(shown) if "I read it too" in text]
    assert lines.splitlines() == [
        ":white_check_mark: Ben, 03:12:00 UTC: fine : white_check_mark: Chika, 03:12:09 UTC: I read it too",
        ":no_entry: Chika, 03:12:00 UTC: no",
    ]


FREE: list[tuple[EventKind, str]] = [
    (EventKind.REQUEST_DENIED, "reason"),
    (EventKind.REQUEST_HELD, "reason"),
    (EventKind.VOTE_COUNTED, "reason"),
    (EventKind.INCIDENT_NOTE, "text"),
    (EventKind.STATUS_UPDATE, "text"),
    (EventKind.INCIDENT_DECLARED, "title"),
    (EventKind.INCIDENT_RESOLVED, "summary"),
]


@pytest.mark.parametrize(("kind", "name"), FREE)
def test_a_persons_words_cannot_write_a_second_line_of_drbots(kind: EventKind, name: str) -> None:
    happened = event(kind, person="ben", **{name: FAKE})
    line = milestone(happened, situation()) or detail(happened, situation())

    assert line is not None
    assert "\n" not in line
    assert "fine : white_check_mark: Chika, 03:12:09 UTC: I read it too" in line


@pytest.mark.parametrize("name", ["white_check_mark", "+1", "skin-tone-2", "承認", "1234_x"])
def test_names_of_pictures_are_broken_up_and_times_are_not(name: str) -> None:
    assert one_line(f"at 03:12:09 :{name}::{name}:") == f"at 03:12:09 : {name}:: {name}:"


def test_the_board_shows_a_title_as_one_line() -> None:
    (text,) = [text for text in texts_of(board(situation(title=FAKE))) if "I read it too" in text]

    assert text.splitlines()[0] == "*fine : white_check_mark: Chika, 03:12:09 UTC: I read it too*"


def test_a_target_that_another_drbot_holds_is_told_with_since_when() -> None:
    said = {"name": "DR-1", "owner": "vm/7", "there": "DR-9", "since": "2026-11-28 02:12 UTC"}

    line = milestone(event(EventKind.SITE_HELD, **said), situation())

    assert "since 2026-11-28 02:12 UTC" in str(line)


ENDED = phrase("It is not known how far {steps} got; look before starting anything.", steps=listed(["swap"]))


def test_how_a_run_left_things_is_told_in_japanese_too() -> None:
    stopped = replace(run(RunState.STOPPED), outcome=sentences("wrong host.", ENDED))
    shown = situation(language="ja", run=stopped, level=Level.HOST)
    line = milestone(event(EventKind.RUN_STOPPED, why="wrong host", safe_state=ENDED), shown)

    for words in (line, sentence(shown)):
        assert words is not None and say(ENDED, "ja") in words and "wrong host" in words
        assert "not known" not in words


def test_what_a_card_warns_of_is_told_in_japanese_too() -> None:
    old = "The backup was {age} old at this plan; backups.max_age is {most}."
    warned = plan(warnings=(Phrase(old, {"age": duration(183_600), "most": duration(86_400)}),))
    shown = situation(language="ja", run=run(of=warned), request=request())

    for blocks in (approval_card(shown, is_current=True), board(shown)):
        assert say(warned.warnings[0], "ja") in str(blocks) and "old at this plan" not in str(blocks)


def test_a_reason_of_a_persons_own_stays_as_it_was_typed() -> None:
    words = "Look before starting anything, Ben says"

    assert words in str(milestone(event(EventKind.RUN_STOPPED, why=words), situation(language="ja")))


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        (EventKind.STEP_SETTLED, {"decision": "done"}, "「swap」について Ben が決定しました: 完了"),
        (EventKind.STEP_ANSWERED, {"answer": "no"}, "いいえ"),
        (EventKind.VOTE_COUNTED, {"decision": "deny", "reason": "too old"}, "却下、too old"),
    ],
)
def test_what_people_decided_is_said_in_words(kind: EventKind, said: dict[str, str], words: str) -> None:
    assert words in str(detail(event(kind, step="swap", person="ben", **said), situation(language="ja")))


def test_what_slack_refuses_is_told_in_japanese_too() -> None:
    said = {
        "what": phrase("I could not reach {person} directly.", person="Ben"),
        "why": phrase("Slack says {code} ({method}).", code="user_disabled", method="chat.postMessage"),
        "todo": "",
    }
    line = str(milestone(event(EventKind.CONTROL_FAILED, **said), situation(language="ja")))

    assert (
        "Ben にダイレクトメッセージを送れませんでした" in line and "I could not" not in line and "user_disabled" in line
    )
