"""Monitoring is part of the system: it is started again, and it counts when it scrapes and an alert has arrived."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError
from drbot.core.site.site import Monitoring
from drbot.core.text.messages import clauses, phrase
from drbot.runners.actions.compose import watch_of
from drbot.runners.clients import monitoring
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext

DEFAULT_WITHIN_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.5
NONE = phrase("dr.yml names no monitoring for this site")
_PAUSE = threading.Event()


def start(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action monitoring.start: everything in the project."""
    if context.site.monitoring is None:
        return Outcome(summary=NONE)
    project = arguments.text(given, "project")
    if project != context.site.monitoring.project:
        raise PermanentError(
            phrase("{project} is not the monitoring that dr.yml names; it is not started", project=project)
        )
    context.clients.compose.up(project, (), watch_of(context))
    return Outcome(summary=phrase("Started {names}", names=project))


def check(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Action monitoring.check: wait for the targets, send one alert, wait until it arrives."""
    settings = context.site.monitoring
    if settings is None:
        return Outcome(summary=NONE)
    deadline = time.monotonic() + arguments.seconds(given, "within", DEFAULT_WITHIN_SECONDS)
    wait(context, settings, deadline, alert=False)
    # The run's id is in the alert, so one sent by an earlier attempt counts as well.
    if fault_of(context, settings, alert=True):
        monitoring.send_test_alert(settings, context.run.id)
    wait(context, settings, deadline, alert=True)
    return Outcome(summary=phrase("Prometheus stores samples of every target, and a test alert has arrived"))


def wait(context: StepContext, settings: Monitoring, deadline: float, *, alert: bool) -> None:
    """Until nothing is wrong. Raises PermanentError with what is."""
    told = ""
    while fault := fault_of(context, settings, alert=alert):
        if fault != told:
            context.log(fault)
            told = fault
        if context.cancelled():
            raise CancelledError(phrase("Stopped while waiting for the monitoring"))
        if time.monotonic() > deadline:
            raise PermanentError(phrase("The monitoring does not work: {why}", why=fault))
        _PAUSE.wait(LOOK_EVERY_SECONDS)


def fault_of(context: StepContext, settings: Monitoring, *, alert: bool) -> str | None:
    """What is wrong; an answer that does not come is a fault that may pass."""
    try:
        if alert:
            arrived = monitoring.test_alert_arrived(settings, context.run.id)
            return None if arrived else phrase("The test alert has not arrived")
        down = monitoring.down(settings)
    except TemporaryError as error:
        return str(error)
    return clauses(phrase("{what}: {why}", what=job, why=why) for job, why in down.items()) or None


def scraping(context: StepContext, given: Mapping[str, Any]) -> Finding:
    return finding(context, alert=False, well=phrase("Prometheus stores samples of every target"))


def alerted(context: StepContext, given: Mapping[str, Any]) -> Finding:
    return finding(context, alert=True, well=phrase("The test alert has arrived"))


def finding(context: StepContext, *, alert: bool, well: str) -> Finding:
    """Passed as well where there is nothing to look at; the plan says so."""
    settings = context.site.monitoring
    fault = fault_of(context, settings, alert=alert) if settings else None
    return Finding(passed=fault is None, sentence=fault or (well if settings else NONE))


IMPLEMENTED = Registry(
    actions={"monitoring.start": start, "monitoring.check": check},
    probes={"monitoring.scraping": scraping, "monitoring.alerted": alerted},
)
