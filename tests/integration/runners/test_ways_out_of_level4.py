"""Every state of level 4, its part and their workers offers a way on and a way back, in Slack and by status; what is
offered is taken, and what is said of the end is so. One table, walked with the real store, planner, workers and verbs.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.run import Leftover, RunState, StepState
from tests.integration.runners.level4 import CONTROL, PART, RECOVERY, WHOLE, Level4, level4_in

Begin = Callable[[Level4], None]
UNTOUCHED = "Nothing that was there before was touched."
BACK = {"stop", "discard", "undo", "settle"}
ON = {"approve", "answer", "recover", "settle"}


def nobody_comes(level4: Level4) -> None:
    """No control worker."""


def being_planned(level4: Level4) -> None:
    level4.caught(CONTROL, "choose")


def renting(level4: Level4) -> None:
    level4.caught(CONTROL, "host.provision")


def died_renting(level4: Level4) -> None:
    level4.caught(CONTROL, "host.provision", dying=True)
    level4.notice(WHOLE)


def part_waits(level4: Level4) -> None:
    level4.work(CONTROL)


def part_is_planned(level4: Level4) -> None:
    level4.work(CONTROL)
    level4.caught(RECOVERY, "choose")


def part_restores(level4: Level4) -> None:
    level4.work(CONTROL)
    level4.caught(RECOVERY, "postgres.restore")


def part_died_unnoticed(level4: Level4) -> None:
    level4.work(CONTROL)
    level4.caught(RECOVERY, "postgres.restore", dying=True)


def part_died(level4: Level4) -> None:
    part_died_unnoticed(level4)
    level4.notice(PART)


def part_asks(level4: Level4) -> None:
    level4.work(CONTROL, RECOVERY)


def part_is_blocked(level4: Level4) -> None:
    part_asks(level4)
    level4.approve(PART, "deny")
    level4.work(CONTROL, RECOVERY)


def part_died_setting_aside(level4: Level4) -> None:
    part_asks(level4)
    level4.approve(PART)
    level4.caught(RECOVERY, "host.set_aside", dying=True)
    level4.notice(PART)
    level4.tick(RECOVERY)


def part_could_not_write(level4: Level4) -> None:
    level4.work(CONTROL)
    level4.recovery.target.errors["configuration.restore"] = [PermanentError("it cannot be written")]
    level4.work(RECOVERY)


def part_could_not_be_planned(level4: Level4) -> None:
    level4.work(CONTROL)
    level4.recovery.target.backups = []
    level4.work(RECOVERY, CONTROL)


def denied_while_it_restores(level4: Level4) -> None:
    part_restores(level4)
    level4.approve(WHOLE, "deny")
    level4.work(CONTROL)


def denied_while_it_waits(level4: Level4) -> None:
    part_waits(level4)
    level4.approve(WHOLE, "deny")
    level4.work(CONTROL)


def approved_and_nobody_takes_it_up(level4: Level4) -> None:
    part_waits(level4)
    level4.approve(WHOLE)


def raised(level4: Level4) -> None:
    level4.work(CONTROL, RECOVERY)


def died_moving_users(level4: Level4) -> None:
    raised(level4)
    level4.approve(WHOLE)
    level4.caught(CONTROL, "dns.change", dying=True)
    level4.notice(WHOLE)
    level4.tick(CONTROL)


def certificate_waits(level4: Level4) -> None:
    raised(level4)
    level4.approve(WHOLE)
    level4.work(CONTROL)


def certificate_failed(level4: Level4) -> None:
    certificate_waits(level4)
    level4.recovery.target.errors["certificate.issue"] = [PermanentError("the CA is away")]
    level4.work(RECOVERY, CONTROL)


def asks_whether_users_can_work(level4: Level4) -> None:
    certificate_waits(level4)
    level4.work(RECOVERY, CONTROL)


@dataclass(frozen=True, kw_only=True)
class State:
    """How it is reached, and what is true of it."""

    begin: Begin
    whole: RunState
    part: RunState | None  # of the newest part
    occupied: bool = False
    goes_on: bool = False  # a worker that comes is all that it needs
    moved: bool = False  # users may have been led away, so what was prepared cannot be given up any more
    unknown: str = ""  # the step of which must be told, when no worker can look, that nobody knows how far it got

    @property
    def may_be_untouched(self) -> bool:
        return not (self.unknown or self.moved)


W, Q, R, B, D, F = (
    RunState.WAITING, RunState.QUEUED, RunState.RUNNING, RunState.BLOCKED, RunState.NEEDS_DECISION, RunState.FAILED,
)  # fmt: skip
S = RunState.SUCCEEDED
OVER = {RunState.STOPPED, S, F}
LOST = "restore-postgres at recovery"
TABLE = [
    State(begin=nobody_comes, whole=Q, part=None, goes_on=True),
    State(begin=being_planned, whole=R, part=None, goes_on=True),
    State(begin=renting, whole=R, part=None, goes_on=True),
    State(begin=died_renting, whole=Q, part=None, goes_on=True, unknown="provision"),
    State(begin=part_waits, whole=W, part=Q, goes_on=True),
    State(begin=part_is_planned, whole=W, part=R, goes_on=True),
    State(begin=part_restores, whole=W, part=R, goes_on=True),
    State(begin=part_died_unnoticed, whole=W, part=R, goes_on=True, unknown=LOST),
    State(begin=part_died, whole=W, part=Q, goes_on=True, unknown=LOST),
    State(begin=part_asks, whole=W, part=W, occupied=True),
    State(begin=part_is_blocked, whole=W, part=B, occupied=True),
    State(begin=part_died_setting_aside, whole=W, part=D, occupied=True, unknown="set-aside at recovery"),
    State(begin=part_could_not_write, whole=W, part=D),
    State(begin=part_could_not_be_planned, whole=D, part=F),
    State(begin=denied_while_it_restores, whole=B, part=R),
    State(begin=denied_while_it_waits, whole=B, part=Q),
    State(begin=approved_and_nobody_takes_it_up, whole=Q, part=Q, goes_on=True),
    State(begin=raised, whole=W, part=S),
    State(begin=died_moving_users, whole=D, part=S, moved=True, unknown="dns"),
    State(begin=certificate_waits, whole=W, part=Q, goes_on=True, moved=True),
    State(begin=certificate_failed, whole=W, part=D, moved=True),
    State(begin=asks_whether_users_can_work, whole=W, part=S, moved=True),
]


def named(states: Iterable[State]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("state", [pytest.param(one, id=one.begin.__name__) for one in states])


WORKERS = [
    pytest.param(True, id="workers are there"),
    pytest.param(False, id="no worker comes", marks=pytest.mark.long),
]


@pytest.fixture
def build_level4(tmp_path: Path) -> Iterator[Callable[[State], Level4]]:
    """Builds a level 4 in a state, as often as it is asked to."""
    made: list[Level4] = []

    def build(state: State) -> Level4:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(level4_in(folder, occupied=state.occupied))
        state.begin(made[-1])
        return made[-1]

    yield build
    for level4 in made:
        level4.close()


def certificates(state: State) -> bool:
    return state.begin.__name__.startswith(("certificate", "asks"))


def states_of(level4: Level4, state: State) -> tuple[RunState, RunState | None]:
    part = "level4-certificate" if certificates(state) else PART
    return level4.run(WHOLE).state, level4.run(part).state if state.part is not None else None


def offers(level4: Level4) -> set[str]:
    """Verbs, as the buttons below status and on the board have them."""
    below_status = {choice.command for choice in level4.say("status").choices}
    return below_status | level4.in_slack()


def unseen(told: str) -> set[str]:
    """The steps of which it says so; what ran beside the one that is held may be among them."""
    found = re.search(r"It is not known how far (.+) got", told)
    return set(found[1].split(", ")) if found else set()


def go_to_the_end(level4: Level4, *, there: bool) -> None:
    """What was asked for happens, with the workers or without."""
    level4.let_go()
    for runbook in {run.runbook for run in level4.runs() if run.state is RunState.RUNNING}:
        level4.notice(runbook)
    if there:
        level4.work(CONTROL, RECOVERY)
        return
    for _ in ("the part", "the whole, which is woken by its end"):
        level4.later()


@pytest.mark.parametrize("there", WORKERS)
@named(TABLE)
def test_every_state_offers_a_way_on_and_a_way_back_and_stop_ends_everything_and_says_what_is_so(
    build_level4: Callable[[State], Level4], state: State, there: bool
) -> None:
    level4 = build_level4(state)
    assert states_of(level4, state) == (state.whole, state.part)
    verbs = {command.split()[0] for command in offers(level4)}
    assert verbs & BACK, verbs
    assert state.goes_on or verbs & ON, verbs
    assert "there is nothing to go back to" in level4.say("undo").text
    if D not in (state.whole, state.part):
        assert "No step waits for a decision" in level4.say("settle retry").text

    reply = level4.say("stop we found the cause")
    go_to_the_end(level4, there=there)

    assert reply.ok
    assert level4.run(WHOLE).state is RunState.STOPPED
    assert {run.state for run in level4.runs()} <= OVER
    told = level4.told(WHOLE)
    assert there or {state.unknown} - {""} <= unseen(told), told
    assert (UNTOUCHED in told) <= (state.may_be_untouched or (there and not state.moved)), told
    again = level4.say("recover")
    assert again.ok or "Ben denied exactly this" in again.text


@named(TABLE)
def test_discard_gives_up_what_was_prepared_or_says_why_not(
    build_level4: Callable[[State], Level4], state: State
) -> None:
    level4 = build_level4(state)

    reply = level4.say("discard")

    if state.moved:
        assert "in progress" in reply.text
        assert any(choice.command.startswith("stop") for choice in reply.choices)
        return
    go_to_the_end(level4, there=True)
    assert reply.ok, reply.text
    assert {run.state for run in level4.runs()} <= OVER
    if level4.control.states(level4.run(WHOLE)).get("provision", "pending") != "pending":
        rented = level4.control.step(level4.run(WHOLE), "provision")
        assert rented.state is StepState.UNDONE or rented.leftover is Leftover.REMOVED


@named(state for state in TABLE if D in (state.whole, state.part))
def test_every_decision_that_is_offered_is_taken(build_level4: Callable[[State], Level4], state: State) -> None:
    offered = sorted(command for command in offers(build_level4(state)) if command.startswith("settle"))
    assert {"retry", "stop"} <= {command.split()[-1] for command in offered}

    for command in offered:
        level4 = build_level4(state)
        assert level4.say(command).ok, command
        go_to_the_end(level4, there=True)
        run = level4.faced()
        assert run.is_over or run.state in (W, B, D), (command, run.state)
        if command.endswith("stop"):
            assert {one.state for one in level4.runs()} <= OVER, command


def test_a_second_stop_is_no_error(build_level4: Callable[[State], Level4]) -> None:
    level4 = build_level4(TABLE[6])

    first, second = level4.say("stop"), level4.say("stop at last")

    assert first.ok and second.ok
    assert "stopping" in first.text
    go_to_the_end(level4, there=True)
    assert level4.run(WHOLE).state is RunState.STOPPED


def test_a_lost_worker_is_followed_by_another_in_everything_of_drbots_own(
    build_level4: Callable[[State], Level4],
) -> None:
    level4 = build_level4(State(begin=part_died, whole=W, part=Q))
    go_to_the_end(level4, there=True)

    assert level4.step(PART, "restore-postgres") is StepState.SUCCEEDED
    assert level4.control.events(level4.run(WHOLE), "run.needs_decision") == []


def part_died_half_way(level4: Level4) -> None:
    """PostgreSQL's data was put aside, the rest of the host was not."""
    part_asks(level4)
    level4.approve(PART)
    level4.caught(RECOVERY, "host.set_aside", dying=True)
    target = level4.recovery.target
    target.aside = tuple(one for one in target.occupants("", "_before", ()) if one.name == "postgres_data")
    del target.volumes["postgres_data"]
    target.moves += 1
    level4.notice(PART)
    level4.tick(RECOVERY)


@pytest.mark.parametrize("way", ["retry", "undo"])
def test_a_host_that_was_put_aside_half_way_is_put_aside_further_or_comes_back(
    build_level4: Callable[[State], Level4], way: str
) -> None:
    level4 = build_level4(State(begin=part_died_half_way, whole=W, part=D, occupied=True))

    if way == "retry":
        assert level4.say("settle set-aside retry").ok
        go_to_the_end(level4, there=True)
        level4.approve(PART)  # what the dead worker had done is no change of somebody else's
        go_to_the_end(level4, there=True)
        assert level4.step(PART, "set-aside") is StepState.SUCCEEDED
        return
    assert "Old data that is kept: 1" in level4.say("kept").text
    stopped = level4.say("stop")
    go_to_the_end(level4, there=True)
    reply = level4.say("undo")
    assert stopped.ok and "the host recovery comes back" in reply.text, reply.text
