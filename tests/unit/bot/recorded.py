"""Recorded situations of one incident: how it is said to be, and exactly what can be done."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import RequestState
from drbot.core.runs.incident import IncidentState, UsersSay
from drbot.core.runs.run import Offer, Run, RunKind, RunState, Settlement, StepRecord, StepState
from drbot.core.site.level import Level
from drbot.store.records.led_names import LedName
from drbot.store.records.machines import KnownMachine
from tests.unit.bot.situations import KEPT, NOW, plan, record, request, run, situation, step, vote

RUNNING, PEOPLE, DECIDE = "running", "waiting for people", "a person must decide how to go on"
BLOCKED, WELL, FAILED, STOPPED = (
    "blocked: people choose how to go on", "the run succeeded", "the run failed", "the run was stopped",
)  # fmt: skip
UNTOUCHED, RECOVERING, NOT_YET = "declared, production not touched yet", "recovering", "not recovered yet"
RECOVERED = "recovered, the services passed their checks"
VOTE = ("approve", "deny")
BACKUP = "all_databases_20261126_000000.sql.gz"  # of the plan
GIVE_UP = "give-up postgres_data_before"
MACHINE = "i-0123456789abcdef0"
RENTED = KnownMachine(
    machine=MACHINE, by="ec2", site="recovery", incident=7, run=None, type="t3.large", region="eu-central-1",
    addresses=("203.0.113.7",), state="running", since=NOW - timedelta(hours=4), seen_at=NOW,
)  # fmt: skip
LED = LedName(name="app.example.com", addresses=("203.0.113.7",), told=("203.0.113.7",), seen_at=NOW)
ASKS = step("health", do="health.wait", if_fails="ask", undo={"do": "compose.start"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """`does`: what a person could type, without the incident's name behind the verb; "again:" before what is asked once
    more.
    """

    name: str
    view: IncidentView
    says: tuple[str, ...]
    does: tuple[str, ...]

    @property
    def offers(self) -> set[tuple[str, str]]:
        """Verb and command of each."""
        found = set()
        for one in self.does:
            verb, _, rest = one.removeprefix("again:").partition(" ")
            again = one.startswith("again:")
            found.add(("ask-again" if again else verb, f"{verb} DR-7 {rest}".strip()))
        return found


def ran(state: RunState, *offers: Offer, **changes: Any) -> Run:
    return replace(run(state), offers=offers, **changes)


def told(view: IncidentView, says: UsersSay | None = None, **changes: Any) -> IncidentView:
    return replace(view, incident=replace(view.incident, users_say=says, **changes))


def doubtful(*records: StepRecord, **changes: Any) -> IncidentView:
    """Its last step is one that asks people when it fails."""
    sealed = plan(steps=(*plan().steps, ASKS))
    chosen = {"state": IncidentState.RECOVERING, "run": run(RunState.NEEDS_DECISION, sealed), "steps": records}
    return situation(**(chosen | changes))


def recorded() -> Iterator[Recorded]:
    for name, (view, says, does) in (_going() | _asking() | _deciding() | _over() | _outside()).items():
        yield Recorded(name=name, view=view, says=says, does=does)


Row = tuple[IncidentView, tuple[str, ...], tuple[str, ...]]


def _going() -> dict[str, Row]:
    stopping = ran(RunState.RUNNING, stop_requested="we found the cause")
    undoing = ran(RunState.RUNNING, kind=RunKind.UNDO)
    held = ran(RunState.WAITING, waits_for_drbot="another")
    begun = IncidentState.RECOVERING
    of_levels = {
        f"level {level.value}: declared": (
            situation(level=level, run=ran(RunState.QUEUED, plan=None)),
            (UNTOUCHED, "waiting for a worker of production"),
            ("stop", "update"),
        )
        for level in Level
    }
    return of_levels | {
        "survey": (
            situation(run=ran(RunState.RUNNING, plan=None)),
            ("looking at the system, changing nothing",),
            ("stop", "update"),
        ),
        "running": (situation(state=begun), (RECOVERING, RUNNING), ("stop", "update")),
        "waits for another drbot": (
            situation(run=held), ("waiting for another drbot, which has the target",), ("stop", "update"),
        ),
        "being stopped": (situation(run=stopping, state=begun), ("being stopped",), ("update",)),
        "one run is being stopped, another is not": (
            situation(run=stopping, others=(run(),), state=begun), ("being stopped",), ("stop", "update"),
        ),
        "undo running": (
            situation(run=undoing, state=begun, kept=(KEPT,)), (RECOVERING, RUNNING), ("stop", "update"),
        ),
        "give-back running": (
            situation(run=ran(RunState.RUNNING, kind=RunKind.GIVE_BACK), state=begun, rented=(RENTED,)),
            (RUNNING,),
            ("stop", "update"),
        ),
    }  # fmt: skip


def _asking() -> dict[str, Row]:
    waits = ran(RunState.WAITING)
    confirm = record("confirm", StepState.WAITING)
    held = replace(request(), hold_until=NOW + timedelta(minutes=10))
    undo = situation(run=ran(RunState.WAITING, kind=RunKind.UNDO), request=request(), kept=(KEPT,))
    lead_back = situation(
        level=Level.DATACENTRE, run=ran(RunState.WAITING, kind=RunKind.LEAD_BACK), request=request(), is_led=True,
        state=IncidentState.RECOVERED,
    )  # fmt: skip
    give_up = situation(
        run=ran(RunState.WAITING, kind=RunKind.GIVE_UP), request=request(), kept=(KEPT,), state=IncidentState.RESOLVED
    )
    of_levels = {
        f"level {level.value}: open vote": (
            situation(level=level, run=waits, request=request()), (UNTOUCHED, PEOPLE), (*VOTE, "stop", "update"),
        )
        for level in Level
    }  # fmt: skip
    return of_levels | {
        "vote half": (
            situation(run=waits, request=request(), votes=(vote("ben"),)), (PEOPLE,), (*VOTE, "stop", "update"),
        ),
        "break-glass": (situation(run=waits, request=held), (PEOPLE,), (*VOTE, "stop", "update")),
        "approved": (
            situation(request=request(RequestState.GRANTED, start_by=NOW)), (RUNNING,), ("deny", "stop", "update"),
        ),
        "level 4: a part asks while the whole is unsure": (
            doubtful(record("swap", StepState.UNSURE), level=Level.DATACENTRE, request=request()),
            (DECIDE,),
            (*VOTE, "settle swap retry", "settle swap stop", "stop", "update"),
        ),
        "undo: open vote": (undo, (PEOPLE,), (*VOTE, "stop", "update")),
        "lead-back: open vote": (lead_back, (RECOVERED, PEOPLE), (*VOTE, "stop", "update")),
        "give-up: open vote of a resolved incident": (give_up, ("resolved", PEOPLE), (*VOTE, "stop", "report")),
        "question": (
            situation(run=waits, steps=(confirm,), state=IncidentState.RECOVERING),
            (PEOPLE,),
            ("answer confirm yes", "answer confirm no", "stop", "update"),
        ),
        "question, answered": (
            situation(run=waits, steps=(replace(confirm, answer="yes"),)), (PEOPLE,), ("stop", "update"),
        ),
        "recovered, and users are asked": (
            situation(run=waits, steps=(confirm,), state=IncidentState.RECOVERED, kept=(KEPT,)),
            (RECOVERED, PEOPLE),
            ("answer confirm yes", "answer confirm no", "undo", "stop", "update"),
        ),
    }  # fmt: skip


def _deciding() -> dict[str, Row]:
    unsure = record("swap", StepState.UNSURE)
    failed = record("health", StepState.FAILED)
    ways = (Offer.ASK_AGAIN, Offer.DISCARD)
    blocked, again = ran(RunState.BLOCKED, *ways), ("again:recover", "discard", "stop", "update")
    another = ran(RunState.BLOCKED, Offer.ANOTHER_BACKUP, *ways, next_backup="all_databases_2.sql.gz")
    undo = situation(run=replace(blocked, kind=RunKind.UNDO), kept=(KEPT,), state=IncidentState.RECOVERED)
    lead_back = situation(
        level=Level.DATACENTRE, run=replace(blocked, kind=RunKind.LEAD_BACK), is_led=True, state=IncidentState.RECOVERED
    )
    give_up = situation(
        run=replace(blocked, kind=RunKind.GIVE_UP, arguments={"keeper": KEPT.volume}), kept=(KEPT,),
        state=IncidentState.RESOLVED,
    )  # fmt: skip
    retry = ("settle health retry", "settle health undo", "settle health stop")
    return {
        "unsure": (doubtful(unsure), (RECOVERING, DECIDE), ("settle swap retry", "settle swap stop", "stop", "update")),
        "unsure, looks done": (
            doubtful(replace(unsure, finding="It is there.", finding_passed=True)),
            (DECIDE,),
            ("settle swap retry", "settle swap done", "settle swap stop", "stop", "update"),
        ),
        "failed, people are asked": (doubtful(failed), (DECIDE,), (*retry, "stop", "update")),
        "failed, one person says it is done": (
            doubtful(replace(failed, vouched_by="aiko")), (DECIDE,), (*retry, "settle health done", "stop", "update"),
        ),
        "settled": (doubtful(replace(failed, settlement=Settlement.RETRY)), (DECIDE,), ("stop", "update")),
        "unsure while a question is open": (
            doubtful(unsure, record("confirm", StepState.WAITING)),
            (DECIDE,),
            (
                "answer confirm yes", "answer confirm no", "settle swap retry", "settle swap stop", "stop", "update",
            ),
        ),
        "blocked": (situation(run=blocked, request=request(RequestState.EXPIRED)), (UNTOUCHED, BLOCKED), again),
        "blocked by a no": (
            situation(run=ran(RunState.BLOCKED, Offer.ASK_AGAIN, Offer.DISCARD), request=request(RequestState.DENIED)),
            (BLOCKED,),
            ("again:recover", "discard", "stop", "update"),
        ),
        "blocked, another backup is there": (
            situation(run=another), (BLOCKED,),
            (f"again:recover backup {BACKUP}", "recover backup", "discard", "stop", "update"),
        ),
        "blocked while data is kept": (situation(run=blocked, kept=(KEPT,)), (BLOCKED,), (*again, "undo", GIVE_UP)),
        "undo blocked": (undo, (RECOVERED, BLOCKED), ("again:undo", "undo", "discard", "stop", "update", GIVE_UP)),
        "lead-back blocked": (
            lead_back, (RECOVERED, BLOCKED), ("again:lead-back", "lead-back", "discard", "stop", "update"),
        ),
        "give-up of a resolved incident blocked": (
            give_up, ("resolved", BLOCKED), (f"again:{GIVE_UP}", "discard", "stop", "report", GIVE_UP),
        ),
        "two runs, one is blocked": (situation(run=blocked, others=(run(),)), (BLOCKED,), again),
        "level 3 blocked": (situation(run=blocked, level=Level.HOST), (BLOCKED,), again),
        "level 4 blocked": (situation(run=blocked, level=Level.DATACENTRE), (BLOCKED,), again),
    }  # fmt: skip


def _over() -> dict[str, Row]:
    down, begun, done = ran(RunState.STOPPED, Offer.RESTART), IncidentState.RECOVERING, IncidentState.RECOVERED
    swapped = situation(run=ran(RunState.STOPPED, Offer.RESTART, Offer.UNDO), kept=(KEPT,), state=begun)
    another = ran(RunState.FAILED, Offer.RECOVER, Offer.ANOTHER_BACKUP, next_backup="all_databases_2.sql.gz")
    undone, not_undone = (ran(state, kind=RunKind.UNDO) for state in (RunState.SUCCEEDED, RunState.FAILED))
    failed, well = ran(RunState.FAILED), ran(RunState.SUCCEEDED)
    silent, yes, no = UsersSay.NOTHING, UsersSay.YES, UsersSay.NO
    denied = "not recovered: a person says that users cannot work yet"
    return {
        "stopped, services down": (
            situation(run=down, state=begun), (NOT_YET, STOPPED), ("restart", "recover", "update"),
        ),
        "stopped, data replaced": (swapped, (STOPPED,), ("restart", "undo", "recover", "update", GIVE_UP)),
        "stopped before anything": (situation(run=ran(RunState.STOPPED)), (UNTOUCHED, STOPPED), ("recover", "update")),
        "level 3 stopped": (situation(run=down, level=Level.HOST, state=begun), (STOPPED,), ("recover", "update")),
        "level 4 stopped": (
            situation(run=down, level=Level.DATACENTRE, state=begun), (STOPPED,), ("recover", "update"),
        ),
        "stopped, its runbook is refused": (situation(run=down, runbooks=()), (STOPPED,), ("restart", "update")),
        "failed": (situation(run=failed, state=begun), (NOT_YET, FAILED), ("recover", "update")),
        "failed, another backup is there": (situation(run=another), (FAILED,), ("recover", "recover backup", "update")),
        "level 1 failed": (
            told(situation(run=failed, level=Level.SERVICE), service="auth"), (FAILED,), ("recover", "update"),
        ),
        "level 1 failed, no service is named": (situation(run=failed, level=Level.SERVICE), (FAILED,), ("update",)),
        "undo failed": (
            situation(run=not_undone, kept=(KEPT,), state=begun), (FAILED,), ("undo", "recover", "update", GIVE_UP),
        ),
        "undone": (
            situation(run=undone, kept=(KEPT,), state=done), (RECOVERED, WELL), ("resolve", "update", GIVE_UP),
        ),
        "recovered": (situation(run=well, state=done), (RECOVERED, WELL), ("resolve", "update")),
        "recovered, not all passed": (
            situation(run=replace(well, missed=("health",)), state=done),
            (RECOVERED, "the run ended, but not everything passed"),
            ("resolve", "update"),
        ),
        "recovered, nobody said anything": (
            told(situation(run=well, state=done), silent),
            ("the services passed their checks; nobody has confirmed yet that users can work", WELL),
            ("answer yes", "answer no", "resolve", "update"),
        ),
        "confirmed": (
            told(situation(run=well, state=done), yes),
            ("recovered; a person confirmed that users can work", WELL),
            ("resolve", "update"),
        ),
        "users cannot work": (
            told(situation(run=another, state=begun, kept=(KEPT,)), no),
            (denied, FAILED),
            ("undo", "recover", "recover backup", "level 3", "update", GIVE_UP),
        ),
        "level 4: users cannot work": (
            told(situation(run=failed, state=begun, level=Level.DATACENTRE), no), (denied,), ("recover", "update"),
        ),
        "only planned": (
            situation(run=ran(RunState.SUCCEEDED, kind=RunKind.PLAN)), (UNTOUCHED, WELL), ("recover", "update"),
        ),
        "nothing running": (situation(run=None), (UNTOUCHED,), ("recover", "update")),
        "level 3 by hand": (
            situation(run=None, level=Level.HOST, runbooks=()), (UNTOUCHED,), ("resolve", "update"),
        ),
    }  # fmt: skip


def _outside() -> dict[str, Row]:
    well, done, closed = ran(RunState.SUCCEEDED), IncidentState.RECOVERED, IncidentState.RESOLVED
    far = {"run": well, "level": Level.DATACENTRE}
    give_back = f"give-back {MACHINE}"
    return {
        "kept": (
            situation(run=well, state=done, kept=(KEPT,)), (RECOVERED, WELL), ("undo", "resolve", "update", GIVE_UP),
        ),
        "machine rented": (
            situation(**far, state=done, rented=(RENTED,)), (RECOVERED,), ("resolve", "update", give_back),
        ),
        "names led elsewhere, to the machine": (
            situation(**far, state=done, rented=(RENTED,), names=(LED,), is_led=True),
            (RECOVERED,),
            ("resolve", "update", "lead-back"),
        ),
        "names led elsewhere, a machine is left": (
            situation(**far, state=done, rented=(RENTED,), names=(replace(LED, addresses=(), told=()),), is_led=True),
            (RECOVERED,),
            ("resolve", "update", "lead-back", give_back),
        ),
        "resolved": (situation(run=well, state=closed), ("resolved", WELL), ("report",)),
        "closed, not repaired": (
            told(situation(run=ran(RunState.FAILED), state=closed), UsersSay.NO), ("closed, not repaired",), ("report",)
        ),
        "resolved, kept": (situation(run=well, state=closed, kept=(KEPT,)), ("resolved",), ("report", GIVE_UP)),
        "resolved, machine rented": (
            situation(**far, state=closed, rented=(RENTED,)), ("resolved",), ("report", give_back),
        ),
        "resolved, names led elsewhere": (
            situation(**far, state=closed, names=(LED,), is_led=True), ("resolved",), ("report", "lead-back"),
        ),
    }  # fmt: skip
