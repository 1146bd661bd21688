"""Every state of level 4, its part and their workers offers a way on and a way back, in Slack and by status; what is
offered is taken, and what is said of the end is so. One table, walked with the real store, planner, workers and verbs.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from drbot.core.errors import PermanentError
from drbot.core.run import Leftover, RunState, StepState
from tests.integration.runners.level4 import CONTROL, PART, RECOVERY, WHOLE, Level4, level4_in

Begin = Callable[[Level4], None]
UNTOUCHED = "Nothing that was there before was touched."
BACK = {"stop", "discard", "undo", "settle"}
ON = {"approve", "answer", "recover", "settle"}


def nobody_comes(house: Level4) -> None:
    """No control worker."""


def being_planned(house: Level4) -> None:
    house.caught(CONTROL, "choose")


def renting(house: Level4) -> None:
    house.caught(CONTROL, "host.provision")


def died_renting(house: Level4) -> None:
    house.caught(CONTROL, "host.provision", dying=True)
    house.notice(WHOLE)


def part_waits(house: Level4) -> None:
    house.work(CONTROL)


def part_is_planned(house: Level4) -> None:
    house.work(CONTROL)
    house.caught(RECOVERY, "choose")


def part_restores(house: Level4) -> None:
    house.work(CONTROL)
    house.caught(RECOVERY, "postgres.restore")


def part_died_unnoticed(house: Level4) -> None:
    house.work(CONTROL)
    house.caught(RECOVERY, "postgres.restore", dying=True)


def part_died(house: Level4) -> None:
    part_died_unnoticed(house)
    house.notice(PART)


def part_asks(house: Level4) -> None:
    house.work(CONTROL, RECOVERY)


def part_is_blocked(house: Level4) -> None:
    part_asks(house)
    house.approve(PART, "deny")
    house.work(CONTROL, RECOVERY)


def part_died_setting_aside(house: Level4) -> None:
    part_asks(house)
    house.approve(PART)
    house.caught(RECOVERY, "host.set_aside", dying=True)
    house.notice(PART)
    house.tick(RECOVERY)


def part_failed_to_start(house: Level4) -> None:
    house.work(CONTROL)
    house.recovery.target.errors["monitoring.start"] = [PermanentError("it does not start")]
    house.work(RECOVERY)


def part_could_not_be_planned(house: Level4) -> None:
    house.work(CONTROL)
    house.recovery.target.backups = []
    house.work(RECOVERY, CONTROL)


def denied_while_it_restores(house: Level4) -> None:
    part_restores(house)
    house.approve(WHOLE, "deny")
    house.work(CONTROL)


def denied_while_it_waits(house: Level4) -> None:
    part_waits(house)
    house.approve(WHOLE, "deny")
    house.work(CONTROL)


def approved_and_nobody_takes_it_up(house: Level4) -> None:
    part_waits(house)
    house.approve(WHOLE)


def raised(house: Level4) -> None:
    house.work(CONTROL, RECOVERY)


def died_moving_users(house: Level4) -> None:
    raised(house)
    house.approve(WHOLE)
    house.caught(CONTROL, "dns.change", dying=True)
    house.notice(WHOLE)
    house.tick(CONTROL)


def certificate_waits(house: Level4) -> None:
    raised(house)
    house.approve(WHOLE)
    house.work(CONTROL)


def certificate_failed(house: Level4) -> None:
    certificate_waits(house)
    house.recovery.target.errors["certificate.issue"] = [PermanentError("the CA is away")]
    house.work(RECOVERY, CONTROL)


def asks_whether_users_can_work(house: Level4) -> None:
    certificate_waits(house)
    house.work(RECOVERY, CONTROL)


@dataclass(frozen=True, kw_only=True)
class State:
    """How it is reached, and what is true of it."""

    begin: Begin
    whole: RunState
    part: RunState | None  # of the newest part
    occupied: bool = False
    goes_on: bool = False  # a worker that comes is all that it needs
    moved: bool = False  # users may have been led away, so what was prepared cannot be given up any more
    unknown: str = ""  # what must be told of the end when no worker can look

    @property
    def may_be_untouched(self) -> bool:
        return not (self.unknown or self.moved)


W, Q, R, B, D, F = (
    RunState.WAITING, RunState.QUEUED, RunState.RUNNING, RunState.BLOCKED, RunState.NEEDS_DECISION, RunState.FAILED,
)  # fmt: skip
S = RunState.SUCCEEDED
OVER = {RunState.STOPPED, S, F}
LOST = "How far restore-postgres at recovery came is not known"
TABLE = [
    State(begin=nobody_comes, whole=Q, part=None, goes_on=True),
    State(begin=being_planned, whole=R, part=None, goes_on=True),
    State(begin=renting, whole=R, part=None, goes_on=True),
    State(begin=died_renting, whole=Q, part=None, goes_on=True, unknown="How far provision came is not known"),
    State(begin=part_waits, whole=W, part=Q, goes_on=True),
    State(begin=part_is_planned, whole=W, part=R, goes_on=True),
    State(begin=part_restores, whole=W, part=R, goes_on=True),
    State(begin=part_died_unnoticed, whole=W, part=R, goes_on=True, unknown=LOST),
    State(begin=part_died, whole=W, part=Q, goes_on=True, unknown=LOST),
    State(begin=part_asks, whole=W, part=W, occupied=True),
    State(begin=part_is_blocked, whole=W, part=B, occupied=True),
    State(begin=part_died_setting_aside, whole=W, part=D, occupied=True, unknown="how far set-aside at recovery came"),
    State(begin=part_failed_to_start, whole=W, part=D),
    State(begin=part_could_not_be_planned, whole=D, part=F),
    State(begin=denied_while_it_restores, whole=B, part=R),
    State(begin=denied_while_it_waits, whole=B, part=Q),
    State(begin=approved_and_nobody_takes_it_up, whole=Q, part=Q, goes_on=True),
    State(begin=raised, whole=W, part=S),
    State(begin=died_moving_users, whole=D, part=S, moved=True, unknown="It is not known how far dns came"),
    State(begin=certificate_waits, whole=W, part=Q, goes_on=True, moved=True),
    State(begin=certificate_failed, whole=W, part=D, moved=True),
    State(begin=asks_whether_users_can_work, whole=W, part=S, moved=True),
]


def named(states: Iterable[State]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("state", [pytest.param(one, id=one.begin.__name__) for one in states])


WORKERS = [pytest.param(True, id="workers are there"), pytest.param(False, id="no worker comes")]


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Callable[[State], Level4]]:
    """Builds a house in a state, as often as it is asked to."""
    made: list[Level4] = []

    def build(state: State) -> Level4:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(level4_in(folder, occupied=state.occupied))
        state.begin(made[-1])
        return made[-1]

    yield build
    for house in made:
        house.close()


def certificates(state: State) -> bool:
    return state.begin.__name__.startswith(("certificate", "asks"))


def states_of(house: Level4, state: State) -> tuple[RunState, RunState | None]:
    part = "level4-certificate" if certificates(state) else PART
    return house.run(WHOLE).state, house.run(part).state if state.part is not None else None


def offers(house: Level4) -> set[str]:
    """Verbs, as the buttons below status and on the board have them."""
    below_status = {choice.command for choice in house.say("status").choices}
    return below_status | house.in_slack()


def go_to_the_end(house: Level4, *, there: bool) -> None:
    """What was asked for happens, with the workers or without."""
    house.let_go()
    for runbook in {run.runbook for run in house.runs() if run.state is RunState.RUNNING}:
        house.notice(runbook)
    if there:
        house.work(CONTROL, RECOVERY)
    else:
        house.later()


@pytest.mark.parametrize("there", WORKERS)
@named(TABLE)
def test_every_state_offers_a_way_on_and_a_way_back_and_stop_ends_everything_and_says_what_is_so(
    houses: Callable[[State], Level4], state: State, there: bool
) -> None:
    house = houses(state)
    assert states_of(house, state) == (state.whole, state.part)
    verbs = {command.split()[0] for command in offers(house)}
    assert verbs & BACK, verbs
    assert state.goes_on or verbs & ON, verbs
    assert "there is nothing to go back to" in house.say("undo").text["en"]
    if D not in (state.whole, state.part):
        assert "No step waits for a decision" in house.say("settle retry").text["en"]

    reply = house.say("stop we found the cause")
    go_to_the_end(house, there=there)

    assert reply.ok
    assert house.run(WHOLE).state is RunState.STOPPED
    assert {run.state for run in house.runs()} <= OVER
    told = house.told(WHOLE)
    if not there:
        assert state.unknown in told
    assert (UNTOUCHED in told) <= (state.may_be_untouched or (there and not state.moved)), told
    again = house.say("recover")
    assert again.ok or "Ben denied exactly this" in again.text["en"]


@named(TABLE)
def test_discard_gives_up_what_was_prepared_or_says_why_not(houses: Callable[[State], Level4], state: State) -> None:
    house = houses(state)

    reply = house.say("discard")

    if state.moved:
        assert "in progress" in reply.text["en"]
        assert any(choice.command.startswith("stop") for choice in reply.choices)
        return
    go_to_the_end(house, there=True)
    assert reply.ok, reply.text
    assert {run.state for run in house.runs()} <= OVER
    if house.control.states(house.run(WHOLE)).get("provision", "pending") != "pending":
        rented = house.control.step(house.run(WHOLE), "provision")
        assert rented.state is StepState.UNDONE or rented.leftover is Leftover.REMOVED


@named(state for state in TABLE if D in (state.whole, state.part))
def test_every_decision_that_is_offered_is_taken(houses: Callable[[State], Level4], state: State) -> None:
    offered = sorted(command for command in offers(houses(state)) if command.startswith("settle"))
    assert {"retry", "stop"} <= {command.split()[-1] for command in offered}

    for command in offered:
        house = houses(state)
        assert house.say(command).ok, command
        go_to_the_end(house, there=True)
        run = house.faced()
        assert run.is_over or run.state in (W, B, D), (command, run.state)
        if command.endswith("stop"):
            assert {one.state for one in house.runs()} <= OVER, command


def test_a_second_stop_is_no_error(houses: Callable[[State], Level4]) -> None:
    house = houses(TABLE[6])

    first, second = house.say("stop"), house.say("stop at last")

    assert first.ok and second.ok
    assert "stopping" in first.text["en"]
    go_to_the_end(house, there=True)
    assert house.run(WHOLE).state is RunState.STOPPED


def test_a_lost_worker_is_followed_by_another_in_everything_of_drbots_own(houses: Callable[[State], Level4]) -> None:
    house = houses(State(begin=part_died, whole=W, part=Q))
    go_to_the_end(house, there=True)

    assert house.step(PART, "restore-postgres") is StepState.SUCCEEDED
    assert house.control.events(house.run(WHOLE), "run.needs_decision") == []


def part_died_half_way(house: Level4) -> None:
    """PostgreSQL's data was put aside, the rest of the host was not."""
    part_asks(house)
    house.approve(PART)
    house.caught(RECOVERY, "host.set_aside", dying=True)
    target = house.recovery.target
    target.aside = tuple(one for one in target.occupants("", "_before", ()) if one.name == "postgres_data")
    del target.volumes["postgres_data"]
    target.moves += 1
    house.notice(PART)
    house.tick(RECOVERY)


@pytest.mark.parametrize("way", ["retry", "undo"])
def test_a_host_that_was_put_aside_half_way_is_put_aside_further_or_comes_back(
    houses: Callable[[State], Level4], way: str
) -> None:
    house = houses(State(begin=part_died_half_way, whole=W, part=D, occupied=True))

    if way == "retry":
        assert house.say("settle set-aside retry").ok
        go_to_the_end(house, there=True)
        house.approve(PART)  # what the dead worker had done is no change of somebody else's
        go_to_the_end(house, there=True)
        assert house.step(PART, "set-aside") is StepState.SUCCEEDED
        return
    assert "Old data that is kept: 1" in house.say("kept").text["en"]
    stopped = house.say("stop")
    go_to_the_end(house, there=True)
    reply = house.say("undo")
    assert stopped.ok and "the host recovery comes back" in reply.text["en"], reply.text
