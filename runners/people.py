"""The moves that have to do with people: requests are opened and proven, gates open, questions are put and answered."""

from collections.abc import Mapping

from drbot.core.approval import RequestState
from drbot.core.errors import UntrustedError
from drbot.core.incident import UsersSay
from drbot.core.run import StepRecord
from drbot.core.runbook import Step
from drbot.runners.gate import open_request
from drbot.runners.issuing import NoPermitError, count
from drbot.runners.marks import asks_about_users
from drbot.runners.moves import Moves
from drbot.runners.own_record import OwnRequest
from drbot.runners.sealed_plans import own_run_of
from drbot.runners.starting import approvers, end, void_if_changed
from drbot.runners.walk import Walk
from drbot.store import incidents, requests, steps
from drbot.store.database import Transaction

_SAYS: Mapping[str, UsersSay] = {"yes": UsersSay.YES, "no": UsersSay.NO}


def act(walk: Walk, moves: Moves, records: Mapping[str, StepRecord]) -> bool:
    """Does all of them. False = there were none."""
    for request_id in moves.prove:
        _prove(walk, request_id)
    for gate in moves.open:
        _open(walk, walk.plan.step(gate), records[gate])
    for gate in moves.passed:
        _pass(walk, gate)
    for question in moves.ask:
        _ask(walk, walk.plan.step(question))
    for question in moves.answered:
        _take_answer(walk, records[question])
    return bool(moves.prove or moves.open or moves.passed or moves.ask or moves.answered)


def _prove(walk: Walk, request_id: str) -> None:
    walk.write(lambda tx: requests.prove(tx, request_id))


def _open(walk: Walk, gate: Step, record: StepRecord) -> None:
    def ask(tx: Transaction) -> None:
        walk.equipment.roster_now(tx.connection)
        request = open_request(tx, walk.run, walk.plan, gate, walk.equipment.approvals)
        known = own_run_of(walk.equipment, walk.run)
        if request.id in known.requests:
            raise UntrustedError(f"{request.id} was opened before: its row was taken out of the database")
        mine = OwnRequest(gate=gate.id, seal=request.seal, opened_at=walk.equipment.own.now())
        walk.equipment.own.change(walk.run.id, lambda run: run.with_request(request.id, mine))
        if record.state.value == "pending":
            steps.wait(tx, walk.run, gate.id)

    walk.write(ask)


def _pass(walk: Walk, gate: str) -> None:
    """Both votes and the proof are there. The world is compared with the seal before services are stopped."""
    if not void_if_changed(walk, gate):
        return

    def open_gate(tx: Transaction) -> None:
        request = requests.latest(tx.connection, walk.run.id, gate)
        if request is None or request.state is not RequestState.GRANTED:  # denied meanwhile
            return
        try:
            count(tx, walk, walk.plan.step(gate))
        except NoPermitError as error:
            end(tx, walk, request.id, error)
        else:
            steps.succeed(tx, walk.run, gate, summary=f"Approved by {approvers(walk, tx, gate)}.")

    walk.write(open_gate)


def _ask(walk: Walk, step: Step) -> None:
    ask = step.ask
    if ask is not None:
        walk.write(lambda tx: steps.ask(tx, walk.run, step.id, ask.text, ask.answers))


def _take_answer(walk: Walk, record: StepRecord) -> None:
    answer, person = str(record.answer), record.answered_by
    say = UsersSay.NOTHING if person is None else _SAYS.get(answer)

    def take(tx: Transaction) -> None:
        if person is None:
            steps.succeed(tx, walk.run, record.id, summary=f"Nobody answered in time: {answer}.")
        elif say is UsersSay.NO:
            steps.fail(tx, walk.run, record.id, why=f"{walk.name_of(person)} answered: no.")
        else:
            steps.succeed(tx, walk.run, record.id, summary=f"{walk.name_of(person)}: {answer}.")
        is_open = incidents.get(tx.connection, walk.run.incident).is_open
        if say is not None and is_open and asks_about_users(walk.plan, record.id):
            incidents.users_say(tx, walk.run.incident, say, person, walk.run.id)

    walk.write(take)
