"""Everything drawn is what Slack takes, however long the words are; nothing a person typed works as Slack's syntax."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drbot.bot.blocks.approval_card import approval_card, card_sentence
from drbot.bot.blocks.board import board, sentence
from drbot.bot.blocks.dialogs import declare_dialog, text_dialog
from drbot.bot.blocks.elements import one_line
from drbot.bot.blocks.home import home
from drbot.bot.blocks.progress import percent
from drbot.bot.blocks.reply import MOST_PAGES, is_long, reply_pages, whole_text
from drbot.bot.blocks.status_post import Said, status_post, status_sentence
from drbot.bot.blocks.tables import table_block
from drbot.bot.blocks.vote_dialog import vote_dialog
from drbot.commands.speech.messages import Choice, Reply, Table
from drbot.commands.speech.verbs import VERBS
from drbot.commands.views.vote_dialog import dialog_from
from drbot.core.approvals.approval import REQUEST_TRANSITIONS, RequestState
from drbot.core.base.errors import Cause
from drbot.core.ledger.events import EventKind
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import Offer, Run, RunState, StepState
from drbot.core.runs.stakes import Act, KeepKind, Keeps, Loss, LossKind, ProofKind, Stakes
from drbot.core.site.level import Level
from drbot.core.site.site import Service
from drbot.core.text.visible import visible
from drbot.slack_simulator.block_rules import check_blocks, texts_of
from tests.unit.bot.situations import NOW, buttons, event, plan, record, request, run, situation, step, vote

LONG = "an <!channel> & \u202eword " * 400
LANGUAGES = ("en", "ja")


def commands(blocks: list[dict[str, Any]]) -> str:
    return " ".join(one["value"] for one in buttons(blocks))


def blocked(*offers: Offer) -> Run:
    return replace(run(RunState.BLOCKED), offers=offers or (Offer.ASK_AGAIN, Offer.DISCARD))


LONG_STAKES = Stakes(
    act=Act.RESTORE,
    proof=ProofKind.BESIDE,
    loss=Loss(kind=LossKind.SINCE_SWAP, seconds=3, uncounted=LONG),
    keeps=Keeps(kind=KeepKind.VOLUME, names=(LONG,)),
)


def long_plan() -> Any:
    steps = tuple(step(f"s{number}", LONG, do="x") for number in range(70))
    steps = (*steps, step("approval", LONG, gate={"for": ["s1"], "proof": ["s0"]}))
    return plan(steps=steps, warnings=(LONG,) * 9, headline=LONG, replaces=(LONG,) * 20, stakes=LONG_STAKES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_board_of_seventy_endless_steps_keeps_the_limits(language: str) -> None:
    records = tuple(record(f"s{number}", StepState.FAILED, summary=LONG) for number in range(70))
    shown = board(situation(language=language, title=LONG, run=run(of=long_plan()), steps=records, request=request()))

    assert check_blocks(shown, "message")
    assert sum(len(text) for text in texts_of(shown)) < 13_000


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", list(RequestState))
def test_every_card_keeps_the_limits_and_is_a_sentence(language: str, state: RequestState) -> None:
    asked = request(state)
    votes = tuple(vote(person, reason=LONG) for person in ("ben", "chika"))
    shown = situation(language=language, run=run(of=long_plan()), request=asked, votes=votes)

    assert check_blocks(approval_card(shown, is_current=True), "message")
    assert 0 < len(card_sentence(shown)) < 4000


@pytest.mark.parametrize("state", [state for state, moves in REQUEST_TRANSITIONS.items() if not moves])
def test_a_final_card_has_no_live_buttons(state: RequestState) -> None:
    shown = situation(request=request(state), run=blocked())

    assert not [one for one in buttons(approval_card(shown, is_current=True)) if one["action_id"].startswith("vote:")]
    assert "recover DR-7" in commands(approval_card(shown, is_current=True))
    assert buttons(approval_card(shown, is_current=False)) == []


def test_a_card_says_no_more_than_that_a_step_has_begun_and_no_cause_that_may_be_another() -> None:
    used, void = (card_sentence(situation(request=request(state))) for state in (RequestState.USED, RequestState.VOID))

    assert "Approved and begun" in used and "carried out" not in used
    assert "No longer valid" in void and "changed" not in void


@pytest.mark.parametrize("state", list(RequestState))
def test_what_is_to_come_is_not_announced_by_a_request_that_ended_unused(state: RequestState) -> None:
    says_so = "Nothing below is carried out by this request" in str(
        approval_card(situation(request=request(state)), is_current=True)
    )

    assert says_so is (state not in {RequestState.OPEN, RequestState.GRANTED, RequestState.USED})


def test_to_ask_again_says_that_the_copy_goes() -> None:
    copied = situation(
        request=request(RequestState.EXPIRED), run=blocked(), steps=(record("copy", StepState.SUCCEEDED),)
    )

    assert "Start over (the copy is removed)" in str(approval_card(copied, is_current=True))


def test_where_no_copy_is_there_it_is_tried_again() -> None:
    failed = record("copy", StepState.UNDONE, summary="The disk is full.", cause=Cause.DISK)
    shown = situation(request=request(RequestState.VOID), run=blocked(), steps=(failed,))

    assert "Try again" in str(approval_card(shown, is_current=True))
    assert "copy is removed" not in str(approval_card(shown, is_current=True))


def test_a_card_offers_to_ask_again_only_where_the_worker_does() -> None:
    shown = situation(request=request(RequestState.DENIED), run=blocked(Offer.DISCARD))

    assert buttons(approval_card(shown, is_current=True)) == []


def test_nobody_is_asked_at_home_for_what_is_approved_already() -> None:
    asked, granted = (
        str(home("system", one.roster.people["ben"], [one], [], "en"))
        for one in (situation(request=request(state)) for state in (RequestState.OPEN, RequestState.GRANTED))
    )

    assert "Waiting for your approval" in asked and "Waiting for your approval" not in granted


def test_an_open_card_wakes_those_who_may_still_vote() -> None:
    shown = situation(request=request(), votes=(vote("ben"),))

    assert "<@U00CHIKA>" in card_sentence(shown)
    assert "<@U00BEN>" not in card_sentence(shown)
    assert "<@U00AIKO>" not in card_sentence(shown)
    assert "1 of 2" in card_sentence(shown)


@pytest.mark.parametrize("decision", ["approve", "deny"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_vote_dialog_keeps_the_limits(language: str, decision: str) -> None:
    facts = dialog_from(
        incident=situation().incident,
        plan=plan(warnings=(LONG,) * 9, replaces=(LONG,) * 9),
        request=request(),
        votes=(),
        steps={},
        roster=situation().roster,
        clocks=situation().clocks,
    )
    view = vote_dialog(facts, decision, language, NOW, is_new_plan=True)

    assert check_blocks(view["blocks"], "modal")
    assert len(view["title"]["text"]) <= 24
    assert len(view["private_metadata"]) <= 3000
    assert [block["block_id"] for block in view["blocks"] if block["type"] == "input"][-1] == "reason"
    small = [block["elements"][0]["text"] for block in view["blocks"] if block["type"] == "context"]
    assert f"{NOW:%H:%M:%S} UTC" in small[-1], "read for minutes, it must say of when its proof and votes are"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", list(IncidentState))
def test_stakeholder_posts_keep_the_limits_and_need_no_jargon(language: str, state: IncidentState) -> None:
    shown = situation(language=language, state=state, title=LONG, level=Level.SERVICE)

    assert check_blocks(status_post(shown, [Said(who="Aiko", words=LONG)]), "message")
    words = f"{status_post(shown)}{status_sentence(shown)}"
    assert not [word for word in ("volume", "PostgreSQL", "RTO", "seal", "runbook") if word in words]


def test_a_long_reply_goes_on_in_the_next_message_and_ends_in_a_file() -> None:
    rows = tuple((f"row {number}", LONG) for number in range(100))
    reply = Reply(
        text=LONG,
        tables=(Table(rows=rows),) * 20,
        choices=tuple(Choice(label=LONG, command=LONG) for _ in range(40)),
        markdown=LONG * 3,
    )

    pages = reply_pages(reply, "en")

    assert len(pages) == MOST_PAGES and all(check_blocks(page, "message") for page in pages)
    assert is_long(reply, "en")
    whole = whole_text(reply, "en")
    assert whole.count("row 99") == 20 and whole.count(visible(" ".join(LONG.split()))) >= 20 * 100


def test_what_fits_into_some_messages_is_all_there_and_its_buttons_are_below() -> None:
    """Such as the help."""
    rows = tuple((verb.usage, verb.help) for verb in VERBS.values())
    reply = Reply(text="Help.", tables=(Table(rows=rows),), choices=(Choice(label="Declare", command="declare"),))

    pages = reply_pages(reply, "en")

    assert not is_long(reply, "en") and "… +" not in str(pages)
    assert all(one_line(verb.usage) in str(pages) for verb in VERBS.values())
    assert [block["type"] for page in pages for block in page][-1] == "actions"


def test_of_what_is_too_long_the_newest_is_shown_where_it_comes_last() -> None:
    rows = tuple((f"12:{number:05}", "something happened, and this line says what") for number in range(3000))

    shown = str(reply_pages(Reply(text="The timeline.", tables=(Table(rows=rows),), ends_last=True), "en"))

    assert "The timeline." in shown and "12:02999" in shown and "12:00000" not in shown


def test_who_resolves_is_told_before_that_undo_ends_with_it() -> None:
    """`undo` refuses a resolved incident."""
    assert "/dr undo" in str(text_dialog("resolve", 7, "en", {}))
    assert "/dr undo" not in str(text_dialog("update", 7, "en", {}))


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_and_the_other_dialogs_keep_the_limits(language: str) -> None:
    one = situation(language=language, title=LONG, request=request())
    someone = one.roster.person("ben")
    view = home("ai-micro-service", someone, [one] * 50, [LONG] * 9, language)

    assert check_blocks(view["blocks"], "home")
    assert check_blocks(home("x", None, [], [], language)["blocks"], "home")
    site = one.configuration.site("production")
    assert check_blocks(text_dialog("resolve", 7, language, {"text": LONG, "doubt": LONG})["blocks"], "modal")
    auth = Service(project="auth", service="api", role="app").model_copy(update={"title": LONG})
    with_services = site.model_copy(update={"services": {"auth": auth}})
    sites = {"production": with_services, "staging": with_services}
    view = declare_dialog(sites, "staging", language, {"title": LONG, "since": "20m"}, "C1")

    assert check_blocks(view["blocks"], "modal")
    shown = {block["block_id"]: block["element"] for block in view["blocks"]}
    assert shown["site"]["initial_option"]["value"] == "staging"
    assert shown["since"]["initial_value"] == "20m"
    assert shown["text"]["initial_value"].startswith("an <!channel>")


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_words_of_a_person_become_slack_syntax(words: str) -> None:
    shown = situation(title=f"<!channel>{words}", turn=event(EventKind.RUN_BLOCKED, why=words))
    texts = [block["text"]["text"] for block in board(shown) if block["type"] == "section"]

    assert check_blocks(board(shown), "message")
    assert not [text for text in texts if "<!" in text or "\u202e" in text]


def test_buttons_are_those_that_make_sense_now() -> None:
    waiting = situation(request=request(), run=run(RunState.WAITING))
    assert [one["action_id"] for one in buttons(board(waiting))][:2] == ["vote:approve", "vote:deny"]
    assert "stop DR-7" in commands(board(waiting))

    swap = record("swap", StepState.UNSURE, finding="It is in place.", finding_passed=True)
    unsure = situation(run=run(RunState.NEEDS_DECISION), steps=(swap,))
    assert "settle DR-7 swap done" in commands(board(unsure))
    doubtful = replace(unsure, steps=(replace(swap, finding_passed=False),))
    assert "settle DR-7 swap retry" in commands(board(doubtful))
    assert "settle DR-7 swap done" not in commands(board(doubtful))
    assert "settle DR-7 swap undo" not in commands(board(unsure))  # the step says nothing of how

    ways = commands(board(situation(run=blocked())))
    assert "recover DR-7" in ways and "discard DR-7" in ways
    assert "backup" not in ways

    stopped = replace(run(RunState.STOPPED), offers=(Offer.RESTART,))
    assert "restart DR-7" in commands(board(situation(run=stopped)))

    asked = situation(steps=(record("confirm", StepState.WAITING),), run=run(RunState.WAITING))
    assert "answer DR-7 confirm yes" in commands(board(asked))

    done = situation(state=IncidentState.RECOVERED, run=run(RunState.SUCCEEDED))
    assert "resolve DR-7" in commands(board(done))
    assert buttons(board(situation(state=IncidentState.RESOLVED, run=run(RunState.SUCCEEDED)))) == []


def test_a_level_without_a_runbook_shows_the_steps_by_hand_and_no_recover_button() -> None:
    shown = board(situation(level=Level.HOST, run=None, runbooks=frozenset()))

    assert "Steps by hand" in str(shown)
    assert "recover" not in commands(shown)


def test_the_board_does_not_change_with_every_second() -> None:
    at_work = situation()

    assert board(at_work) == board(replace(at_work, now=NOW + timedelta(seconds=20)))
    assert board(at_work) != board(replace(at_work, now=NOW + timedelta(seconds=70)))


def plan_block(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = (block for block in blocks if block["type"] == "plan")
    return found


def test_a_board_keeps_the_id_of_its_plan_while_its_run_goes_on() -> None:
    """With a new one Slack closes what people have open."""
    first = plan_block(board(situation()))
    later = plan_block(board(situation(steps=(record("copy", StepState.SUCCEEDED),), run=run(RunState.WAITING))))
    of_another_run = plan_block(board(situation(run=replace(run(), id="DR-7-r2"))))

    assert first != later
    assert first["block_id"] == later["block_id"] != of_another_run["block_id"]


@pytest.mark.parametrize(
    ("language", "records", "state", "line"),
    [
        ("en", (), RunState.RUNNING, r"Step 1 of 4 · 0 % · about 03:25 UTC"),
        ("ja", (), RunState.RUNNING, r"手順 1/4 · 0 % · 03:25 UTC 頃の見込み"),
        (
            "en",
            (("copy", StepState.SUCCEEDED),),
            RunState.WAITING,
            r"Step 2 of 4 · 99 % · about \d min once people have decided",
        ),
        ("ja", (("copy", StepState.SUCCEEDED),), RunState.WAITING, r"手順 2/4 · 99 % · 人の判断後 約 \d 分"),
        ("en", (("copy", StepState.SUCCEEDED),), RunState.STOPPED, r"1 of 4 steps done · 99 %"),
    ],
)
def test_how_far_it_is_stands_above_the_plan_in_words(
    language: str, records: tuple[tuple[str, StepState], ...], state: RunState, line: str
) -> None:
    steps = tuple(record(name, of) for name, of in records)
    blocks = board(situation(language=language, steps=steps, run=run(state)))

    assert re.fullmatch(line, blocks[blocks.index(plan_block(blocks)) - 1]["text"]["text"])


@pytest.mark.parametrize(
    ("language", "unit", "done", "shown"),
    [
        ("en", "services", 3.0, "▓▓▓▓▓▓░░░░ 60% · 3 / 5 services"),
        ("ja", "services", 3.0, "▓▓▓▓▓▓░░░░ 60% · 3 / 5 サービス"),
        ("ja", "bytes", 3.0, "▓▓▓▓▓▓░░░░ 60% · 3 B / 5 B"),
        ("ja", "wheels", 3.0, "▓▓▓▓▓▓░░░░ 60% · 3 / 5 wheels"),
    ],
)
def test_how_far_a_step_is_names_what_is_counted(language: str, unit: str, done: float, shown: str) -> None:
    going = record("copy", StepState.RUNNING, progress_done=done, progress_total=5.0, progress_unit=unit)
    tasks = plan_block(board(situation(language=language, steps=(going,))))["tasks"]

    assert shown in str(tasks)


def test_the_percentage_follows_the_step_that_is_at_work_and_is_100_only_at_the_end() -> None:
    half = record("copy", StepState.RUNNING, progress_done=50.0, progress_total=100.0)
    everything = tuple(record(one.id, StepState.SUCCEEDED) for one in plan().steps)
    almost = (*everything[:-1], record("confirm", StepState.WAITING))

    assert [percent(plan(), of) for of in ((), (half,), almost, everything)] == [0, 49, 99, 100]


def test_the_board_is_one_sentence_for_old_clients() -> None:
    assert sentence(situation(run=run(RunState.WAITING))).startswith(
        "DR-7: PostgreSQL does not start. Declared, production not touched yet. Waiting for people."
    )


def value_of_row(row: tuple[str, ...]) -> str:
    (shown,) = table_block(Table(rows=(row,)), "en")
    return str(shown["text"]["text"]).removeprefix("*Will be replaced:* ")


@pytest.mark.parametrize("count", [1, 19, 20, 21, 40, 400])
def test_a_long_list_of_what_is_replaced_ends_at_an_entry_and_counts_the_others(count: int) -> None:
    entries = [f"volume data_{number:03} of the service number {number:03}" for number in range(count)]
    shown = value_of_row(("Will be replaced", "\n".join(entries))).split("; ")

    left = int(shown.pop().removeprefix("… +")) if "…" in shown[-1] else 0
    assert shown == entries[: len(shown)]
    assert len(shown) + left == count
    assert (left == 0) is (count <= 20)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_long_row_pushes_out_what_people_must_know_before_they_agree(language: str) -> None:
    stakes = LONG_STAKES.model_copy(update={"keeps": Keeps(kind=KeepKind.ASIDE, names=("v" * 60,) * 40)})
    sealed = plan(replaces=("volume " + "x" * 200,) * 20, stakes=stakes, warnings=("Superuser: mallory.",))
    card = approval_card(situation(language=language, run=run(of=sealed), request=request()), is_current=True)
    facts = dialog_from(
        incident=situation().incident,
        plan=sealed,
        request=request(),
        votes=(),
        steps={},
        roster=situation().roster,
        clocks=situation().clocks,
    )

    for blocks in (card, vote_dialog(facts, "approve", language, NOW)["blocks"]):
        assert "mallory" in str(blocks) and "/dr undo" in str(blocks)
        assert sum(len(text) for text in texts_of(blocks)) < 13_000
    assert check_blocks(card, "message")


def test_a_cell_that_is_cut_says_so_and_keeps_its_entities_whole() -> None:
    for spare in range(6):
        shown = value_of_row(("Will be replaced", "x" * spare + "&" * 500))
        assert shown.endswith("&amp;…") and len(shown) <= 900


def test_words_in_a_table_stay_in_their_row_and_draw_nothing() -> None:
    shown = value_of_row(("Will be replaced", "a\u2028*Approvals:* 2 of 2\n:tada: b", "c"))

    assert shown == "a; *Approvals:* 2 of 2; : tada: b · c"


@pytest.mark.parametrize(("language", "words"), [("en", "another drbot"), ("ja", "別の drbot")])
def test_a_run_that_waits_for_another_drbot_does_not_ask_people_to_act(language: str, words: str) -> None:
    waiting = replace(run(RunState.WAITING), waits_for_drbot="c0ffee")

    assert words in sentence(situation(language=language, run=waiting))


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "2 needed, 0 approved, 1 can still vote (Chika)"), ("ja", "投票できる人 1 人 (Chika)")],
)
def test_a_card_that_too_few_can_grant_says_so_and_still_calls_who_is_left(language: str, words: str) -> None:
    both = situation(language=language, request=replace(request(), requesters=("aiko", "ben")))

    assert words in str(approval_card(both, is_current=True)) and words in card_sentence(both)
    assert "<@U00CHIKA>" in card_sentence(both)


def test_what_a_warning_quotes_begins_no_line_of_the_board() -> None:
    """A compose file names a folder to its services; its line ends are not drbot's."""
    forged = "In no backup: /srv/x\n\n*Data that will be LOST:* nothing"

    blocks = board(situation(run=run(of=plan(warnings=(forged,)))))

    said = [str(block["text"]["text"]) for block in blocks if block["type"] == "section"]
    assert any("/srv/x *Data" in text for text in said) and not any("\n*Data" in text for text in said)
