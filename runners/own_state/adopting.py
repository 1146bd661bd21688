"""After drbot's own host was lost: its worker believes the open runs once, as the ledger vouches for them.

Only `drbot bootstrap` does it, on the new host and by the hand of a person, after the ledger was verified.
"""

from pathlib import Path

from drbot.core.approvals.approval import RequestState
from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.effects import LEADS, MOVES, STARTS
from drbot.core.runs.plan import Plan, seal_of
from drbot.core.runs.run import DONE_WITH, Run, StepState
from drbot.runners.execution.sealed_plans import places_of, signature_of
from drbot.runners.foundation.own_record import OwnRecord, OwnRequest, OwnRun, OwnStep
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.store.base import ledger
from drbot.store.base.database import Transaction
from drbot.store.base.ledger_check import instance
from drbot.store.records import incidents, requests, steps
from drbot.store.runs import runs

REMEMBERED = MOVES | LEADS  # what is known of these from the moment they begin


def adopt_open_runs(tx: Transaction, home: Path) -> None:
    """Signs the plans of the runs that are not over and whose seal stands in the ledger. Of those that are over it
    remembers who led names: they can be led back, and a machine that users worked on may hold what nothing else does.
    """
    key, own = TotpSecrets(home).key(), OwnRecord(home)
    own.instance(instance(tx.connection))
    for incident in incidents.recent(tx.connection, limit=1000):
        sealed = {
            event.run: event.payload.get("seal")
            for event in ledger.of_incident(tx.connection, incident.id)
            if event.kind is EventKind.RUN_PLANNED
        }
        for run in runs.of_incident(tx.connection, incident.id):
            if run.plan is None or sealed.get(run.id) != seal_of(run.plan):
                continue
            known = _with_memory(_known(tx, run, run.plan), own.run(run.id))
            if run.is_over and known.moved_users:
                own.adopt(run.id, known.model_copy(update={"ended": True}))
            if run.is_over or not incident.is_open:
                continue
            own.adopt(run.id, known)
            runs.signed(tx, run.id, signature_of(key, run.plan))


def _with_memory(copied: OwnRun, mine: OwnRun | None) -> OwnRun:
    """The worker's own folder, if it is there, may know more than the copy: what was used or has ended stays so."""
    if mine is None or mine.seal != copied.seal:
        return copied
    requests = {**mine.requests, **copied.requests}
    for name, known in mine.requests.items():
        used = tuple(dict.fromkeys((*requests[name].used_for, *known.used_for)))
        about = {"used_for": used, "ended": requests[name].ended or known.ended, "glass_at": known.glass_at}
        requests[name] = requests[name].model_copy(update=about)
    half_back = {name: step for name, step in mine.steps.items() if step.taking_back}
    return copied.model_copy(
        update={
            "requests": requests,
            "steps": {**mine.steps, **copied.steps, **half_back},
            "lets_users_in": mine.lets_users_in or copied.lets_users_in,
            "ended": mine.ended or copied.ended,
        }
    )


def _known(tx: Transaction, run: Run, plan: Plan) -> OwnRun:
    records = steps.of_run(tx.connection, run.id)
    acted = {record.id for record in records if record.may_have_acted}
    return OwnRun(
        seal=seal_of(plan),
        incident=run.incident,
        engine=str(plan.fingerprint.get("engine", "")),
        places=places_of(plan, run.incident),
        requests={
            request.id: OwnRequest(
                gate=request.gate,
                seal=request.seal,
                opened_at=request.opened_at,
                granted_at=request.granted_at,
                used_for=(request.used_by.split("/")[1],) if request.used_by else (),
            )
            for request in requests.of_run(tx.connection, run.id)
            if request.state is not RequestState.VOID
        },
        steps={
            record.id: OwnStep(
                state=record.state if record.state in DONE_WITH else StepState.UNSURE,
                facts=dict(record.facts),
                ended_at=record.finished_at,
                does=plan.step(record.id).do or "",
                given=dict(plan.step(record.id).with_),
            )
            for record in records
            if record.state in DONE_WITH or (record.id in acted and plan.step(record.id).do in REMEMBERED)
        },
        # Whatever was started may have users by now: the safe side.
        lets_users_in=any(step.id in acted and step.do in STARTS for step in plan.steps),
    )
