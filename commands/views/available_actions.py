"""What can be done about an incident now: one table from the situation to what people could type. Every surface offers
these; one may leave some out, for a reason that stands in shown_actions.py, and none adds any.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from drbot.commands.facts.data_named import data_choices
from drbot.commands.facts.machines import is_led_to
from drbot.commands.facts.returnable import undoable
from drbot.commands.facts.runbook_selection import RUNBOOK_OF, again, by_hand, named_again
from drbot.commands.speech.messages import Choice
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approvals.approval import LIVE, ApprovalRequest, RequestState
from drbot.core.approvals.state_words import word_of
from drbot.core.runbooks.effects import restores_beside
from drbot.core.runs.incident import Incident, IncidentState, UsersSay
from drbot.core.runs.plan import is_beside
from drbot.core.runs.run import Offer, Run, RunKind, RunState, Settlement, StepRecord, StepState
from drbot.core.runs.settlement import decisions_for, needs_second, undecided
from drbot.core.runs.stakes_words import APPROVE
from drbot.core.runs.state_words import titled
from drbot.core.site.data_kinds import DOWN, LOOK
from drbot.core.site.level import Level
from drbot.core.text.messages import phrase
from drbot.core.text.words import short_name, size

Style = Literal["default", "primary", "danger"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AvailableAction(Choice):
    """Something that can be done now, as far as the rows tell."""

    verb: str  # of vocabulary.py; "ask-again" is whichever verb the blocked run was asked for by
    about: str = ""  # the step, the kept data or the machine that it is about
    request: ApprovalRequest | None = None  # of a vote: in Slack its button opens the dialog of this very request


SETTLE: Mapping[Settlement, str] = {
    Settlement.RETRY: phrase("Try again"),
    Settlement.DONE: phrase("It is done, go on"),
    Settlement.UNDO: phrase("Take back the changes since the approval"),
    Settlement.STOP: phrase("Stop here"),
}
UNDO_BESIDE = phrase("Remove what this step made")
SECOND = phrase("I too say it is done")
AGAIN = phrase("Ask again")
OVER = phrase("Start over (the copy is removed)")
ANOTHER = phrase("Another backup…")
DISCARD = phrase("Discard")
DISCARD_COPY = phrase("Discard the copy and end")
RECOVER = phrase("Recover")
TRY_AGAIN = phrase("Try again")
TRY_SAME = phrase("Try the same backup again")
ONLY_WHO_DENIED = phrase("Ask again (only who denied can)")
FROM_BACKUP = phrase("Restore from a backup")
"""After an undo: `recover` restores, it does not undo once more."""


def settlement(incident: Incident, run: Run, record: StepRecord, word: Settlement) -> AvailableAction:
    """One decision about a step, in words that say what follows from it."""
    label = SETTLE[word]
    if word is Settlement.DONE and needs_second(run.plan, record):
        label = SECOND
    if word is Settlement.UNDO and run.plan is not None and is_beside(run.plan, run.plan.step(record.id)):
        label = UNDO_BESIDE
    return _action(incident, "settle", label, f"{record.id} {word}", about=record.id)


def settlements(incident: Incident, run: Run, waiting: Iterable[StepRecord]) -> list[AvailableAction]:
    """Every decision about the first step that waits for one."""
    first = next(iter(waiting), None)
    return [] if first is None else [settlement(incident, run, first, word) for word in decisions_for(run.plan, first)]


def _action(
    incident: Incident,
    verb: str,
    label: str,
    rest: str = "",
    *,
    style: Style = "default",
    about: str = "",
    request: ApprovalRequest | None = None,
) -> AvailableAction:
    command = f"{verb} {incident.name} {rest}".strip()
    return AvailableAction(label=label, command=command, style=style, verb=verb, about=about, request=request)


Found = Iterable[AvailableAction]


def _approve(view: IncidentView) -> Found:
    if view.request is not None and view.request.state is RequestState.OPEN and view.is_as_sealed:
        yield _action(view.incident, "approve", APPROVE[view.act].button, style="primary", request=view.request)


def _deny(view: IncidentView) -> Found:
    """Once approved only the veto is left."""
    if view.request is not None and view.request.state in LIVE and view.is_as_sealed:
        yield _action(view.incident, "deny", phrase("Deny…"), style="danger", request=view.request)


def _answers(view: IncidentView) -> Found:
    """The questions of steps that are open."""
    if view.run is None or view.run.plan is None or view.run.is_over:
        return
    waiting = {record.id for record in view.steps if record.state is StepState.WAITING and record.answer is None}
    for step in view.run.plan.steps:
        if step.ask is not None and step.id in waiting:
            for word in step.ask.answers:
                label = titled(word_of(word))
                yield _action(view.incident, "answer", label, f"{step.id} {word}", about=step.id)


def _settle(view: IncidentView) -> Found:
    run = view.run
    if run is not None and run.state is RunState.NEEDS_DECISION:
        yield from settlements(view.incident, run, undecided(run.plan, view.steps))


def _once_more(view: IncidentView) -> Found:
    """What was blocked or ended early, in the order in which its worker offers it."""
    run = view.run
    for offer in run.offers if run is not None else ():
        if offer is Offer.ASK_AGAIN and run is not None and _is_blocked(view):
            yield AvailableAction(label=_again(view, run), command=again(view.incident, run), verb="ask-again")
        if offer is Offer.ANOTHER_BACKUP and run is not None and (_is_blocked(view) or _has_ended(view, run)):
            yield _action(view.incident, "recover", ANOTHER, "backup")


def _again(view: IncidentView, run: Run) -> str:
    """In words that say who can, what becomes of the copy, and whether it is the same backup."""
    if view.request is not None and (view.request.run, view.request.state) == (run.id, RequestState.DENIED):
        return ONLY_WHO_DENIED
    if _has_copy(view, run):
        return OVER
    if named_again(run):
        return TRY_SAME
    return TRY_AGAIN if _copies(run) else AGAIN


def _has_ended(view: IncidentView, run: Run) -> bool:
    """Early, and the next good backup is known."""
    return run.next_backup is not None and _may_recover(view)


def _discard(view: IncidentView) -> Found:
    run = view.run
    if run is not None and _is_blocked(view) and Offer.DISCARD in run.offers:
        label = DISCARD_COPY if _has_copy(view, run) else DISCARD
        yield _action(view.incident, "discard", label, style="danger")


def _restart(view: IncidentView) -> Found:
    """Of a lost host nothing can be started."""
    is_offered = view.run is not None and Offer.RESTART in view.run.offers
    if is_offered and _may_begin(view) and view.incident.level < Level.HOST:
        label = phrase("Start the services again")
        yield _action(view.incident, "restart", label, style="primary")


def _undo(view: IncidentView) -> Found:
    """Not right after one that ended well: it would bring back what that one has put aside."""
    run = view.run
    is_undone = run is not None and run.kind is RunKind.UNDO and run.state is RunState.SUCCEEDED
    there = undoable(view.configuration, view.incident, run, view.kept)
    if not there or is_undone:
        return
    before = [one for one in there if run is not None and run.kind is RunKind.UNDO and one.run == run.id]
    if there[-1] not in before:
        label = phrase("Undo: bring the old data back")
        yield _action(view.incident, "undo", label, style="danger", about=there[-1].volume)
    for one in before[-1:]:
        label = phrase("Back to the data before the undo")
        rest = "" if one is there[-1] else one.volume
        yield _action(view.incident, "undo", label, rest, style="danger", about=one.volume)


def _recover(view: IncidentView) -> Found:
    if _may_recover(view):
        kind = view.run.kind if view.run is not None else RunKind.PLAN
        label = {RunKind.PLAN: RECOVER, RunKind.UNDO: FROM_BACKUP}.get(kind, TRY_AGAIN)
        yield _action(view.incident, "recover", label)


def _say_what(view: IncidentView) -> Found:
    """The survey found no data broken: level 1 of what does not work, or somebody says what is lost all the same."""
    run, incident = view.run, view.incident
    if run is None or LOOK not in run.arguments or not _may_recover(view):
        return
    site, down = view.configuration.site(incident.site), run.arguments.get(DOWN, "").split()
    for name in (one for one in site.services if one in down):
        yield _action(incident, "level", phrase("It is level 1: {service}", service=name), f"1 {name}", style="primary")
    for choice in data_choices(site, lambda words: words):
        yield _action(incident, "recover", choice.label, choice.command)


def _level(view: IncidentView) -> Found:
    """The next one up, where drbot can do something there."""
    higher = next((level for level in Level if level == view.incident.level + 1), None)
    is_asked = _is_calm(view) and view.incident.users_say is UsersSay.NO
    if is_asked and higher is not None and RUNBOOK_OF[higher] in view.runbooks:
        label = phrase("It is level {level}", level=higher.value)
        yield _action(view.incident, "level", label, str(higher.value))


def _users(view: IncidentView) -> Found:
    """Nobody has said yet whether they can work."""
    incident = view.incident
    if _is_calm(view) and incident.state is IncidentState.RECOVERED and incident.users_say is UsersSay.NOTHING:
        yield _action(incident, "answer", phrase("Users can work"), "yes")
        yield _action(incident, "answer", phrase("Users cannot work"), "no")


def _resolve(view: IncidentView) -> Found:
    """Also what people recovered by the document's steps, because its runbook was missing or refused."""
    incident = view.incident
    is_by_hand = view.run is None and bool(by_hand(incident.level))
    is_done = incident.state is IncidentState.RECOVERED or incident.users_say is UsersSay.YES or is_by_hand
    if _is_calm(view) and is_done:
        yield _action(incident, "resolve", phrase("Resolve and write the report"), style="primary")


def _stop(view: IncidentView) -> Found:
    """Whatever goes on and is not being stopped already."""
    of_incident = (*view.others, *([view.run] if view.run is not None else []))
    if any(not run.is_over and run.stop_requested is None for run in of_incident):
        yield _action(view.incident, "stop", phrase("STOP"), style="danger")


def _update(view: IncidentView) -> Found:
    if view.incident.is_open:
        yield _action(view.incident, "update", phrase("Tell the stakeholders"))


def _report(view: IncidentView) -> Found:
    if not view.incident.is_open:
        yield _action(view.incident, "report", phrase("Report"))


def _lead_back(view: IncidentView) -> Found:
    if view.is_led and _is_free(view):
        yield _action(view.incident, "lead-back", phrase("Point DNS back…"))


def _give_back(view: IncidentView) -> Found:
    """What nothing leads to."""
    free = [one for one in view.rented if not is_led_to(one, view.configuration, view.names)]
    for one in free if _is_free(view) else ():
        label = phrase("Give {machine} back…", machine=one.machine)
        yield _action(view.incident, "give-back", label, one.machine, style="danger", about=one.machine)


def _give_up(view: IncidentView) -> Found:
    for one in view.kept if _is_free(view) else ():
        label = phrase("Delete {name} for good…", name=short_name(one.volume, 45))
        if one.size_bytes is not None:
            label = phrase("{label} ({size})", label=label, size=size(one.size_bytes))
        yield _action(view.incident, "give-up", label, one.volume, style="danger", about=one.volume)


def _is_blocked(view: IncidentView) -> bool:
    return view.run is not None and view.run.state is RunState.BLOCKED


def _is_calm(view: IncidentView) -> bool:
    """The incident is open and nothing goes on in it."""
    return view.incident.is_open and not view.is_going


def _may_begin(view: IncidentView) -> bool:
    """The same, and another run makes sense: a drill ends with its own, and its copy is removed."""
    return _is_calm(view) and not view.incident.is_drill


def _is_free(view: IncidentView) -> bool:
    """Nothing goes on that would not be pushed aside, also when the incident is long resolved."""
    return not view.is_going or _is_blocked(view)


def _may_recover(view: IncidentView) -> bool:
    incident = view.incident
    names_service = incident.level is not Level.SERVICE or incident.service is not None
    is_wanted = _may_begin(view) and incident.state is not IncidentState.RECOVERED
    return is_wanted and RUNBOOK_OF[incident.level] in view.runbooks and names_service


def _copies(run: Run) -> bool:
    return run.plan is not None and any(restores_beside(step) for step in run.plan.steps)


def _has_copy(view: IncidentView, run: Run) -> bool:
    """A copy that failed is removed at once."""
    copying = {step.id for step in run.plan.steps if restores_beside(step)} if run.plan is not None else set()
    return any(record.id in copying and record.state is StepState.SUCCEEDED for record in view.steps)


TABLE: tuple[Callable[[IncidentView], Found], ...] = (
    _approve, _deny, _answers, _settle, _restart, _recover, _say_what, _once_more, _discard, _undo, _level, _users,
    _resolve, _stop, _update, _report, _lead_back, _give_back, _give_up,
)  # fmt: skip
"""Most urgent first."""


def available_actions(view: IncidentView) -> tuple[AvailableAction, ...]:
    """Everything that can be done now. To undo may be an action of its own and what is asked once more."""
    return tuple(action for offers in TABLE for action in offers(view))
