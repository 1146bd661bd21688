"""What of a schedule has to do with people: requests are opened and proven, gates open, questions put and answered."""

from collections.abc import Mapping

from drbot.core.approvals.approval import RequestState
from drbot.core.approvals.state_words import word_of
from drbot.core.base.errors import UntrustedError
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.incident import UsersSay
from drbot.core.runs.run import StepRecord
from drbot.core.text.messages import phrase
from drbot.runners.execution.gate import open_request
from drbot.runners.execution.incident_clocks import asks_about_users
from drbot.runners.execution.issuing import NoPermitError, count
from drbot.runners.execution.run_context import RunContext
from drbot.runners.execution.schedule import Schedule
from drbot.runners.execution.sealed_plans import own_run_of, require_untouched
from drbot.runners.execution.starting import approvers, end, void_if_changed
from drbot.runners.foundation.own_record import OwnRequest
from drbot.store.base.database import Transaction
from drbot.store.records import incidents, requests, steps
from drbot.store.records.as_sealed import proof_statement

_SAYS: Mapping[str, UsersSay] = {"yes": UsersSay.YES, "no": UsersSay.NO}


def act(run_context: RunContext, schedule: Schedule, records: Mapping[str, StepRecord]) -> bool:
    """Does all of them. False = there were none."""
    for request_id in schedule.prove:
        _prove(run_context, request_id)
    for gate in schedule.open:
        _open(run_context, run_context.plan.step(gate), records[gate])
    for gate in schedule.passed:
        _pass(run_context, gate)
    for question in schedule.ask:
        _ask(run_context, run_context.plan.step(question))
    for question in schedule.answered:
        _take_answer(run_context, records[question])
    return bool(schedule.prove or schedule.open or schedule.passed or schedule.ask or schedule.answered)


def _prove(run_context: RunContext, request_id: str) -> None:
    """What people read of the proof is signed: as this worker has seen it, and not as rows say by now."""
    worker_context, run = run_context.worker_context, run_context.run

    def prove(tx: Transaction) -> None:
        request, records = requests.get(tx.connection, request_id), steps.of_run(tx.connection, run.id)
        require_untouched(worker_context, run, {record.id: record for record in records})
        gate = run_context.plan.step(request.gate).gate
        said = proof_statement(request, gate.proof if gate else (), records)
        requests.prove(tx, request_id, worker_context.key.sign(said))

    run_context.write(prove)


def _open(run_context: RunContext, gate: Step, record: StepRecord) -> None:
    def ask(tx: Transaction) -> None:
        run_context.worker_context.roster_now(tx.connection)
        request = open_request(tx, run_context.run, run_context.plan, gate, run_context.worker_context.approvals)
        known = own_run_of(run_context.worker_context, run_context.run)
        if request.id in known.requests:
            raise UntrustedError(
                phrase("{request} was opened before: its row was deleted from the database", request=request.id)
            )
        mine = OwnRequest(gate=gate.id, seal=request.seal, opened_at=run_context.worker_context.own.now())
        run_context.worker_context.own.change(run_context.run.id, lambda run: run.with_request(request.id, mine))
        if record.state.value == "pending":
            steps.wait(tx, run_context.run, gate.id)

    run_context.write(ask)


def _pass(run_context: RunContext, gate: str) -> None:
    """Both votes and the proof are there. The target is compared with the seal before services are stopped."""
    if not void_if_changed(run_context, gate):
        return

    def open_gate(tx: Transaction) -> None:
        request = requests.latest(tx.connection, run_context.run.id, gate)
        if request is None or request.state is not RequestState.GRANTED:  # denied meanwhile
            return
        try:
            count(tx, run_context, run_context.plan.step(gate))
        except NoPermitError as error:
            end(tx, run_context, request.id, error)
        else:
            by = phrase("Approved by {people}.", people=approvers(run_context, tx, gate))
            steps.succeed(tx, run_context.run, gate, summary=by)

    run_context.write(open_gate)


def _ask(run_context: RunContext, step: Step) -> None:
    ask = step.ask
    if ask is not None:
        run_context.write(lambda tx: steps.ask(tx, run_context.run, step.id, ask.text, ask.answers))


def _take_answer(run_context: RunContext, record: StepRecord) -> None:
    answer, person = str(record.answer), record.answered_by
    word = word_of(answer)
    say = UsersSay.NOTHING if person is None else _SAYS.get(answer)
    who = "" if person is None else run_context.name_of(person)
    nobody = phrase("Nobody answered in time: {answer}.", answer=word)

    def take(tx: Transaction) -> None:
        if say is UsersSay.NO:
            steps.fail(tx, run_context.run, record.id, why=phrase("{who} answered: no.", who=who))
        else:
            said = phrase("{who}: {answer}.", who=who, answer=word) if who else nobody
            steps.succeed(tx, run_context.run, record.id, summary=said)
        is_open = incidents.get(tx.connection, run_context.run.incident).is_open
        if say is not None and is_open and asks_about_users(run_context.plan, record.id):
            incidents.users_say(tx, run_context.run.incident, say, person, run_context.run.id)

    run_context.write(take)
