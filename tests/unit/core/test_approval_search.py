"""A bounded search over everything people, clocks and drift can do to one request: no unsafe start is reachable.

Runs the real `decide()` and `may_start()`. Then takes one load-bearing rule away at a time: the search must find it.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from drbot.core.approvals import approval
from drbot.core.approvals.approval import LIVE, ApprovalRequest, Ballot, RequestState, Vote, may_start
from drbot.core.site.people import Account, Roster
from tests.unit.core.test_approval import NOW, OTHER_SEAL, REQUEST, ROSTER, SEAL, ballot

decide = partial(approval.decide, as_sealed=True)

DEPTH = 8


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a request, its votes and the target stand."""

    request: ApprovalRequest
    votes: tuple[Vote, ...] = ()
    seal_now: str = SEAL  # of the target, read again by the worker
    now: datetime = NOW
    unsafe: str = ""  # the reason why a start that happened was unsafe


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules under test; a hole replaces one of them."""

    decide: Callable[[ApprovalRequest, tuple[Vote, ...], Ballot, Roster], object] = decide
    may_start: Callable[..., str | None] = may_start
    voter: Callable[[Ballot], str] = lambda paper: paper.person or "nobody"
    one_each: bool = True


CHIKA = ROSTER.people["chika"]

BALLOTS = (
    ballot("aiko"),
    ballot("ben"),
    ballot("ben", account=Account(id="U00BEN2")),
    ballot("chika"),
    ballot("dan"),
    ballot("chika", seal=OTHER_SEAL),
    ballot("chika", decision="deny"),
    ballot("ben", account=Account(id="U00BEN", is_guest=True)),
)


def moves(before: Situation, rules: Rules) -> Iterator[Situation]:
    """Everything that can happen next."""
    request = before.request
    for paper in BALLOTS:
        paper = replace(paper, at=before.now)
        answer = rules.decide(request, before.votes, paper, ROSTER)
        if answer.counted:  # type: ignore[attr-defined]
            yield _after_vote(before, paper, rules, answer.state)  # type: ignore[attr-defined]
    if request.state in LIVE:
        for end in (RequestState.WITHDRAWN, RequestState.STOPPED):
            yield replace(before, request=replace(request, state=end))
        if request.proven_at is None:
            yield replace(before, request=replace(request, proven_at=before.now))
    if before.seal_now == SEAL:
        yield replace(before, seal_now=OTHER_SEAL)
    if before.now < NOW + timedelta(minutes=56):
        yield replace(before, now=before.now + timedelta(minutes=8))
    for run, step in (("r1", "swap"), ("r2", "swap"), ("r1", "stop-postgres")):
        refusal = rules.may_start(
            request, before.votes, ROSTER, run=run, step=step, seal=before.seal_now, now=before.now
        )
        if refusal is None:
            used = replace(request, state=RequestState.USED)
            yield replace(before, request=used, unsafe=why_unsafe(before, run, step))


def _after_vote(before: Situation, paper: Ballot, rules: Rules, state: RequestState | None) -> Situation:
    person = rules.voter(paper)
    vote = Vote(
        person=person,
        decision=paper.decision,
        reason="seen",
        seal=paper.seal,
        at=paper.at,
        entry_point=paper.entry_point,
    )
    same = (person, paper.decision)
    kept = tuple(v for v in before.votes if not rules.one_each or (v.person, v.decision) != same)
    request = replace(before.request, state=state) if state else before.request
    if state is RequestState.GRANTED:
        request = replace(request, granted_at=paper.at)
    return replace(before, request=request, votes=(*kept, vote))


def why_unsafe(situation: Situation, run: str, step: str) -> str:
    """An oracle written apart from the rules: what must be true of every start."""
    request = situation.request
    agreed = {v.person for v in situation.votes if v.decision == "approve" and v.seal == SEAL}
    proven = request.proven_at
    granted = request.granted_at
    wrong = (
        ("fewer than two others agreed", len(agreed & {"ben", "chika"}) < 2),
        ("somebody said no", any(v.decision == "deny" for v in situation.votes)),
        ("the target had changed", situation.seal_now != SEAL),
        ("another run or step", (run, step) != ("r1", "swap")),
        ("no proof", proven is None),
        ("too late", bool(proven and granted and situation.now >= max(proven, granted) + timedelta(minutes=15))),
        ("the request had ended", request.state is not RequestState.GRANTED),
    )
    return next((name for name, holds in wrong if holds), "")


def search(rules: Rules, depth: int = DEPTH) -> tuple[int, set[str], bool]:
    """States seen, the reasons of unsafe starts, and whether a safe start was reached at all."""
    first = Situation(REQUEST)
    seen, unsafe, started = {first}, set[str](), False
    todo = deque([(first, 0)])
    while todo:
        situation, at = todo.popleft()
        if at == depth:
            continue
        for following in moves(situation, rules):
            started = started or (following.request.state is RequestState.USED and not following.unsafe)
            if following.unsafe:
                unsafe.add(following.unsafe)
            elif following not in seen:
                seen.add(following)
                todo.append((following, at + 1))
    return len(seen), unsafe, started


def test_no_order_of_events_reaches_an_unsafe_start() -> None:
    states, unsafe, started = search(Rules())
    print(f"{states} states to depth {DEPTH}")

    assert unsafe == set()
    assert started
    assert states > 5_000


def _decide_with(**changes: object) -> Callable[..., object]:
    def lenient(request: ApprovalRequest, votes: tuple[Vote, ...], paper: Ballot, roster: Roster) -> object:
        return decide(replace(request, **changes), votes, paper, roster)  # type: ignore[arg-type]

    return lenient


def _start_with(**changes: object) -> Callable[..., str | None]:
    def lenient(request: ApprovalRequest, votes: tuple[Vote, ...], roster: Roster, **asked: object) -> str | None:
        fixed = {name: value for name, value in changes.items() if name in asked}
        rest = {name: value for name, value in changes.items() if name not in asked}
        return may_start(replace(request, **rest), votes, roster, **{**asked, **fixed})  # type: ignore[arg-type]

    return lenient


def _reviving(ended: RequestState) -> Callable[..., str | None]:
    """Whoever ended it this way, it starts all the same."""

    def lenient(request: ApprovalRequest, votes: tuple[Vote, ...], roster: Roster, **asked: object) -> str | None:
        yes = tuple(vote for vote in votes if vote.decision == "approve")
        revived = replace(request, state=RequestState.GRANTED) if request.state is ended else request
        return may_start(revived, yes, roster, **asked)  # type: ignore[arg-type]

    return lenient


def _with(roster: Roster, **votes_as: object) -> Rules:
    """Another roster, and votes and ballots read as if they said something else."""

    def deciding(request: ApprovalRequest, votes: tuple[Vote, ...], paper: Ballot, _: Roster) -> object:
        return decide(request, _read(votes), replace(paper, **votes_as), roster)  # type: ignore[arg-type]

    def starting(request: ApprovalRequest, votes: tuple[Vote, ...], _: Roster, **asked: object) -> str | None:
        return may_start(request, _read(votes), roster, **asked)  # type: ignore[arg-type]

    def _read(votes: tuple[Vote, ...]) -> tuple[Vote, ...]:
        return tuple(replace(vote, **votes_as) for vote in votes)  # type: ignore[arg-type]

    return Rules(deciding, starting)


def _numbered(votes: tuple[Vote, ...]) -> tuple[Vote, ...]:
    """Each vote as if it were a person's of its own."""
    return tuple(replace(vote, person=f"voter{number}") for number, vote in enumerate(votes))


EVERYBODY = replace(ROSTER, people={name: replace(p, roles=CHIKA.roles) for name, p in ROSTER.people.items()})
CROWD = replace(ROSTER, people={**ROSTER.people, **{f"voter{n}": replace(CHIKA, id=f"voter{n}") for n in range(9)}})
ACCOUNTS = replace(ROSTER, people={**ROSTER.people, "U00BEN2": replace(CHIKA, id="U00BEN2", slack=("U00BEN2",))})


def _account_of(paper: Ballot) -> str:
    second = paper.account is not None and paper.account.id == "U00BEN2"
    return "U00BEN2" if second else paper.person or "nobody"


def _by_account(request: ApprovalRequest, votes: tuple[Vote, ...], paper: Ballot, _: Roster) -> object:
    return decide(request, votes, replace(paper, person=_account_of(paper)), ACCOUNTS)


def _starting_by(roster: Roster, read: Callable[[tuple[Vote, ...]], tuple[Vote, ...]]) -> Callable[..., str | None]:
    def lenient(request: ApprovalRequest, votes: tuple[Vote, ...], _: Roster, **asked: object) -> str | None:
        return may_start(request, read(votes), roster, **asked)  # type: ignore[arg-type]

    return lenient


def _counting_votes(request: ApprovalRequest, votes: tuple[Vote, ...], paper: Ballot, _: Roster) -> object:
    return decide(request, _numbered(votes), paper, CROWD)


def _with_a_ghost(votes: tuple[Vote, ...]) -> tuple[Vote, ...]:
    return (*votes, *(replace(vote, person="voter0") for vote in votes[:1]))


def _one_is_enough(request: ApprovalRequest, votes: tuple[Vote, ...], paper: Ballot, _: Roster) -> object:
    ghost = Vote(person="voter0", decision="approve", reason="", seal=SEAL, at=paper.at, entry_point=paper.entry_point)
    return decide(request, (*votes, ghost), paper, CROWD)


HOLES = {
    "requester excluded": (
        Rules(_decide_with(requester_counts=True), _start_with(requester_counts=True)),
        "fewer than two others agreed",
    ),
    "two people": (Rules(_one_is_enough, _starting_by(CROWD, _with_a_ghost)), "fewer than two others agreed"),
    "person, not account": (
        Rules(_by_account, _starting_by(ACCOUNTS, tuple), _account_of),
        "fewer than two others agreed",
    ),
    "one vote each": (
        Rules(_counting_votes, _starting_by(CROWD, _numbered), one_each=False),
        "fewer than two others agreed",
    ),
    "roster only": (_with(EVERYBODY), "fewer than two others agreed"),
    "plan bound": (_with(ROSTER, seal=SEAL), "fewer than two others agreed"),
    "target re-checked": (Rules(decide, _start_with(seal=SEAL)), "the target had changed"),
    "one run": (Rules(decide, _start_with(run="r1")), "another run or step"),
    "one step": (Rules(decide, _start_with(guards=("swap", "stop-postgres"))), "another run or step"),
    "proof first": (Rules(decide, _start_with(proven_at=NOW)), "no proof"),
    "start clock": (Rules(decide, _start_with(start_seconds=10_000.0)), "too late"),
    "deny final": (Rules(decide, _reviving(RequestState.DENIED)), "somebody said no"),
    "single use": (Rules(decide, _reviving(RequestState.USED)), "the request had ended"),
    "withdraw counts": (Rules(decide, _reviving(RequestState.WITHDRAWN)), "the request had ended"),
    "stop final": (Rules(decide, _reviving(RequestState.STOPPED)), "the request had ended"),
}


@pytest.mark.parametrize("rule", HOLES)
def test_taking_a_rule_away_is_found(rule: str) -> None:
    rules, expected = HOLES[rule]

    states, unsafe, _ = search(rules, depth=6)
    print(f"without {rule:20} {states:6} states: {', '.join(sorted(unsafe))}")

    assert expected in unsafe
