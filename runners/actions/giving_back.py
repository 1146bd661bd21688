"""A rented machine is given back: exactly the one that two people read of, and never one that users are led to."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.runs.stakes import RentedMachine
from drbot.core.text.messages import clauses, phrase
from drbot.runners.actions.centre import names_of
from drbot.runners.actions.outside import answers as outside_answers
from drbot.runners.clients.machines import Ec2
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.terraform import terraform_of
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext
from drbot.runners.contract.rented import TERRAFORM, Rented, find, has_ended, variables_of, why_needed
from drbot.runners.foundation import permit
from drbot.runners.foundation.own_record import OwnRecord


def look(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Whose it is and how long it has been there. Raises PermanentError when it is not there."""
    rented = _present(context, arguments.text(given, "machine"))
    machine, site = rented.machine, rented.site
    if machine.since is None:
        said = phrase("{machine} of {site} is {state}", machine=machine.id, site=site, state=machine.state)
    else:
        said = phrase(
            "{machine} of {site} is {state} since {time} UTC",
            machine=machine.id,
            site=site,
            state=machine.state,
            time=f"{machine.since:%Y-%m-%d %H:%M}",
        )
    return Outcome(summary=said)


def give_back(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Raises PermanentError for any machine but the one of the sealed plan, and for one that somebody needs."""
    name, sealed = arguments.text(given, "machine"), context.plan.stakes.machine
    if sealed is None or sealed.machine != name:
        raise PermanentError(
            phrase("The plan is not about the machine {machine}; nothing was given back", machine=name)
        )
    rented = find(context.configuration, name)
    if rented is None:
        if not _has_ended(context):
            raise PermanentError(_lost(name))
        return Outcome(summary=phrase("The machine {machine} was gone already", machine=name))
    if identity_of(rented) != (sealed.by, sealed.site, sealed.run, sealed.since):
        raise PermanentError(
            phrase("{machine} is no longer the machine that was approved; nothing was given back", machine=name)
        )
    needed = _why_needed(context, rented)
    if needed:
        raise PermanentError(phrase("{machine} is not given back: {why}", machine=name, why=clauses(needed)))
    _end(context, rented, sealed)
    if context.machines is not None:
        context.machines.gave_back(rented)
    return Outcome(
        summary=phrase(
            "The machine {machine} of {site} was given back, with everything on it", machine=name, site=rented.site
        )
    )


def subjects(context: StepContext, given: Mapping[str, Any]) -> frozenset[str]:
    return frozenset({permit.machine(str(given["machine"]))})


def unled(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe machine.unled: does nobody need it? The zone, a name server and this host's own record are asked."""
    name = arguments.text(given, "machine")
    rented = find(context.configuration, name)
    if rented is None:
        return Finding(
            passed=False,
            sentence=phrase("There is no rented machine {machine}: it is gone, or was never drbot's", machine=name),
        )
    needed = _why_needed(context, rented)
    said = clauses(needed) or phrase("No DNS name points at {machine}, and nothing depends on it", machine=name)
    return Finding(passed=not needed, sentence=said)


def gone(context: StepContext, given: Mapping[str, Any]) -> Finding:
    name = arguments.text(given, "machine")
    there = find(context.configuration, name)
    if there is not None:
        said = phrase("The machine {machine} is still there ({state})", machine=name, state=there.machine.state)
        return Finding(passed=False, sentence=said, facts={"state": "before"})
    if not _has_ended(context):
        return Finding(passed=False, sentence=_lost(name))
    return Finding(passed=True, sentence=phrase("The machine {machine} is gone", machine=name))


def _has_ended(context: StepContext) -> bool:
    sealed = context.plan.stakes.machine
    return sealed is not None and has_ended(context.configuration, sealed, datetime.now(UTC))


def _lost(name: str) -> str:
    return phrase(
        "{machine} is not listed any more, and nothing says that it has ended: it may still cost money. Look where it "
        "was made, and at the `provision` of its site in dr.yml",
        machine=name,
    )


def identity_of(rented: Rented) -> tuple[object, ...]:
    """By which a machine is the one that was agreed to."""
    return (rented.by, rented.site, rented.run, rented.machine.since)


def _present(context: StepContext, name: str) -> Rented:
    rented = find(context.configuration, name)
    if rented is None:
        raise PermanentError(
            phrase("There is no rented machine {machine}: it is gone, or was never drbot's", machine=name)
        )
    return rented


def _why_needed(context: StepContext, rented: Rented) -> list[str]:
    def users_are_served() -> None:
        finding = outside_answers(context, {})
        if not finding.passed:
            raise PermanentError(finding.sentence)

    own = OwnRecord(context.clients.settings.home)
    found = why_needed(
        rented, context.configuration, own, run=context.run.id, led=names_of(context).led(), answers=users_are_served
    )
    return list(found)


def _end(context: StepContext, rented: Rented, sealed: RentedMachine) -> None:
    allowed = context.permitted()
    if rented.by != TERRAFORM:
        Ec2(rented.settings).give_back(rented.machine.id, allowed, names_of(context).led())
        return
    terraform = terraform_of(rented.settings)
    if terraform is None:
        raise PermanentError(phrase("neither terraform nor tofu is installed here; nothing was given back"))
    bounds, variables = Bounds(cancelled=context.cancelled), variables_of(rented.site)
    terraform.destroy(allowed, rented.machine.id, sealed.resources, variables, bounds, context.log)


IMPLEMENTED = Registry(
    actions={"machine.look": look, "machine.give_back": give_back},
    probes={"machine.unled": unled, "machine.gone": gone},
    subjects={"machine.give_back": subjects},
)
