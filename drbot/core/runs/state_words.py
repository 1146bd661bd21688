"""The words for every state of an incident, a run and a step: surfaces, refusals and reports say no others."""

from collections.abc import Mapping

from drbot.core.runs.incident import Incident, IncidentState, UsersSay
from drbot.core.runs.run import Run, RunState, StepRecord, StepState
from drbot.core.text.catalogue import languages
from drbot.core.text.messages import OwnWords, clauses, filled, phrase, say

INCIDENT: Mapping[IncidentState, str] = {
    IncidentState.DECLARED: phrase("declared, production not touched yet"),
    IncidentState.RECOVERING: phrase("recovering"),
    IncidentState.RECOVERED: phrase("recovered, the services passed their checks"),
    IncidentState.RESOLVED: phrase("resolved"),
}
NOT_YET = phrase("not recovered yet")
NOT_RECOVERED = phrase("not recovered: a person says that users cannot work yet")
NOT_REPAIRED = phrase("closed, not repaired")
CONFIRMED = phrase("recovered; a person confirmed that users can work")
UNCONFIRMED = phrase("the services passed their checks; nobody has confirmed yet that users can work")

RUN: Mapping[RunState, str] = {
    RunState.QUEUED: phrase("waiting for a worker of {site}"),
    RunState.RUNNING: phrase("running"),
    RunState.WAITING: phrase("waiting for people"),
    RunState.NEEDS_DECISION: phrase("a person must decide how to go on"),
    RunState.BLOCKED: phrase("blocked: people choose how to go on"),
    RunState.SUCCEEDED: phrase("the run succeeded"),
    RunState.FAILED: phrase("the run failed"),
    RunState.STOPPED: phrase("the run was stopped"),
}
ENDED: Mapping[RunState, str] = {
    RunState.SUCCEEDED: phrase("{run} has succeeded."),
    RunState.FAILED: phrase("{run} has failed."),
    RunState.STOPPED: phrase("{run} was stopped."),
}
"""The same of one run, as a sentence."""
GAVE_UP = frozenset({RunState.FAILED, RunState.STOPPED})
"""Ends after which nothing goes on until somebody begins it."""
STOPPING = phrase("being stopped")
LOOKING = phrase("looking at the system, changing nothing")
OTHER_RUN = phrase("waiting for another recovery, which is changing this system")
OTHER_DRBOT = phrase("waiting for another drbot, which has the target")
NOT_ALL_PASSED = phrase("the run ended, but not everything passed")

STEP: Mapping[StepState, str] = {
    StepState.PENDING: phrase("not started"),
    StepState.RUNNING: phrase("running"),
    StepState.WAITING: phrase("waiting"),
    StepState.SUCCEEDED: phrase("done"),
    StepState.FAILED: phrase("failed"),
    StepState.SKIPPED: phrase("not needed"),
    StepState.STOPPED: phrase("stopped"),
    StepState.UNSURE: phrase("unsure: did it finish?"),
    StepState.UNDONE: phrase("taken back"),
}
FAILED_AND_BACK = phrase("failed, taken back")


def step_text(record: StepRecord) -> str:
    """Its state."""
    return FAILED_AND_BACK if record.has_failed and record.state is StepState.UNDONE else STEP[record.state]


def incident_text(incident: Incident, run: Run | None) -> str:
    """`run`: the one that people face."""
    if incident.state is IncidentState.RECOVERING and incident.users_say is UsersSay.NO:
        return NOT_RECOVERED
    if incident.state is IncidentState.RECOVERING and run is not None and run.state in GAVE_UP:
        return NOT_YET
    if incident.state is IncidentState.RECOVERED and incident.users_say is not None:
        return CONFIRMED if incident.users_say is UsersSay.YES else UNCONFIRMED
    if incident.is_given_up:
        return NOT_REPAIRED
    return INCIDENT[incident.state]


def run_text(run: Run) -> str:
    """How the run is: what is to stop, or waits for somebody else, says so first."""
    if run.stop_requested is not None and not run.is_over:
        return STOPPING
    if run.waits_for is not None and run.state is RunState.WAITING:
        return OTHER_RUN
    if run.waits_for_drbot is not None and not run.is_over:
        return OTHER_DRBOT
    if run.plan is None and run.state is RunState.RUNNING:
        return LOOKING
    if run.missed:
        return NOT_ALL_PASSED
    return filled(RUN[run.state], site=run.site)


def now_text(incident: Incident, run: Run | None) -> str:
    return clauses((incident_text(incident, run), run_text(run) if run is not None else ""))


def titled(words: str) -> str:
    return OwnWords({language: _capital(say(words, language)) for language in languages()})


def sentence_of(words: str) -> str:
    return phrase("{sentence}.", sentence=titled(words))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
