"""A machine for a site, and the worker that comes with it: user data holds a one-time token and never a credential."""

import shlex
from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Provision
from drbot.core.text.messages import duration, phrase
from drbot.runners.actions.centre import names_of, provision_of, site_of, wait_for
from drbot.runners.clients.machines import INCIDENT_TAG, RENTED_TAG, RUN_TAG, SITE_TAG, SYSTEM_TAG, Ec2, Machine
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.terraform import Terraform, terraform_of
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext, or_why_not
from drbot.runners.contract.led_names import ADDRESS, SITE
from drbot.runners.contract.rented import EC2, TERRAFORM, Rented, variables_of
from drbot.runners.foundation.invitations import SERVES, WORKER_KEY, Invitations

TOKEN_SECONDS = 3600.0
RUNNING_WITHIN_SECONDS = 600.0
# A worker that dies is started again, or the run it held would wait for somebody to look; with its token, for it may
# have died before it joined.
USER_DATA = """#!/bin/sh
# The token is good for the worker that used it first, at every start. Exit code 0: asked to end; 3: refused.
trap : TERM
until drbot worker --site {site} --join {token}
do
  [ $? -ne 3 ] || exit 3
  sleep 1
done
"""
JOINED_WITHIN_SECONDS = 900.0


def provision(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Make the machine, or find the one that this incident has already; ends when it runs."""
    site, _ = site_of(context, given)
    settings = provision_of(context, given)
    terraform = terraform_of(settings)
    machine = _apply(context, site, terraform) if terraform else _rent(context, site, settings)
    _write_down(context, machine, TERRAFORM if terraform else EC2, site, settings)
    if machine.address:
        said = phrase(
            "The machine {machine} of the site {site} runs at {address}",
            machine=machine.id,
            site=site,
            address=machine.address,
        )
    else:
        said = phrase("The machine {machine} of the site {site} runs", machine=machine.id, site=site)
    return Outcome(
        summary=said,
        facts={SITE: site, "machine": machine.id, ADDRESS: machine.address},
    )


def release(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Give back the machine that this very run has rented, unless users or another run count on it: where the names
    lead is asked now. Terraform's stays: what it destroys is for a person to read first.
    """
    site, known = site_of(context, given)
    settings = provision_of(context, given)
    if terraform_of(settings) is not None:
        raise PermanentError(
            phrase(
                "it was made by Terraform, so two people must first approve what Terraform removes: /dr kept lists it"
            )
        )
    cloud = Ec2(settings)
    tags = tags_of(context, site)
    machine = cloud.find(tags | {RENTED_TAG: context.run.id}) or cloud.find(tags)
    if machine is None:
        return Outcome(summary=phrase("The site {site} has no machine of this incident", site=site))
    own, led = context.own_work(), names_of(context).led()
    if known.address in led:
        raise PermanentError(
            phrase(
                "DNS points to {site} ({address}); its machine was not given back",
                site=site,
                address=known.address,
            )
        )
    cloud.end(machine.id, own, led)
    if context.machines is not None:
        context.machines.gave_back(Rented(machine=machine, by=EC2, site=site, settings=settings))
    return Outcome(summary=phrase("The machine {machine} was given back", machine=machine.id))


@or_why_not
def can_provision(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """May we make one? Nothing is made."""
    settings = provision_of(context, given)
    terraform = terraform_of(settings)
    if terraform is None:
        Ec2(settings).require_right_to_run()
    return Finding(
        passed=True, sentence=phrase("A machine can be made by {name}", name="Terraform" if terraform else "EC2")
    )


def running(context: StepContext, given: Mapping[str, Any]) -> Finding:
    site, _ = site_of(context, given)
    settings = provision_of(context, given)
    if terraform_of(settings) is not None:
        return Finding(passed=True, sentence=phrase("Terraform applied it"))
    machine = Ec2(settings).find(tags_of(context, site))
    if machine is None:
        return Finding(passed=False, sentence=phrase("The machine of the site {site} does not exist", site=site))
    said = phrase("The machine of the site {site} is {state}", site=site, state=machine.state)
    return Finding(passed=machine.state == "running", sentence=said)


def join(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Wait until the worker on the machine has used its token."""
    site, _ = site_of(context, given)
    within = arguments.seconds(given, "within", JOINED_WITHIN_SECONDS)
    invitations = invitations_of(context)
    worker = wait_for(
        context,
        lambda: invitations.joined(site),
        within,
        lambda: phrase(
            "No worker has joined the site {site} within {time}. Look at the machine's log, or start the command of "
            "its user data there by hand",
            site=site,
            time=duration(within),
        ),
    )
    return Outcome(
        summary=phrase("The worker {worker} serves the site {site}", worker=worker.owner, site=site),
        facts={SERVES: site, "worker": worker.owner, WORKER_KEY: worker.public_key},
    )


@or_why_not
def joined(context: StepContext, given: Mapping[str, Any]) -> Finding:
    site, _ = site_of(context, given)
    worker = invitations_of(context).joined(site)
    if worker is None:
        return Finding(passed=False, sentence=phrase("No worker has joined {site}", site=site))
    said = phrase("The worker {worker} has joined the site {site}", worker=worker.owner, site=site)
    return Finding(passed=True, sentence=said)


def invitations_of(context: StepContext) -> Invitations:
    if context.invitations is None:
        raise PermanentError(phrase("this step has no way to invite a worker"))
    return context.invitations


def user_data(site: str, token: str) -> str:
    """What the machine runs when it starts. Database and keys are in its image or come by its role: never in here."""
    return USER_DATA.format(site=shlex.quote(site), token=token)


def tags_of(context: StepContext, site: str) -> dict[str, str]:
    """By which the machine of an incident is found again."""
    return {
        SYSTEM_TAG: context.configuration.system,
        INCIDENT_TAG: str(context.run.incident),
        SITE_TAG: site,
    }


def _rent(context: StepContext, site: str, settings: Provision) -> Machine:
    cloud, tags = Ec2(settings), tags_of(context, site)
    machine = cloud.find(tags)
    if machine is None:
        token = invitations_of(context).invite(site, TOKEN_SECONDS, alone=True)
        machine = cloud.run(
            tags | dict.fromkeys((RUN_TAG, RENTED_TAG), context.run.id), user_data(site, token), _client_token(context)
        )
        context.log(f"rented {machine.id} ({settings.instance_type} in {settings.region})")
        _write_down(context, machine, EC2, site, settings)
    else:
        cloud.tag(machine.id, {RUN_TAG: context.run.id})
        context.log(f"{machine.id} was rented for this incident before")
    rented = machine.id

    def look() -> Machine | None:
        found = cloud.get(rented)
        if found.state not in ("pending", "running"):
            raise PermanentError(phrase("the machine {machine} is {state}", machine=rented, state=found.state))
        return found if found.state == "running" else None

    return wait_for(
        context,
        look,
        RUNNING_WITHIN_SECONDS,
        lambda: phrase("the machine {machine} does not start", machine=rented),
    )


def _write_down(context: StepContext, machine: Machine, by: str, site: str, settings: Provision) -> None:
    """So that people see it at once; where that fails, the next look finds it."""
    if context.machines is not None:
        context.machines.saw(Rented(machine=machine, by=by, site=site, settings=settings))


def _client_token(context: StepContext) -> str:
    # EC2 refuses a token again with other user data, so each attempt has its own; `find` keeps it at one machine.
    return f"{context.run.id}-{context.attempt}"


def _apply(context: StepContext, site: str, terraform: Terraform) -> Machine:
    invitations = invitations_of(context)
    token = invitations.invite(site, TOKEN_SECONDS)
    variables = variables_of(site, user_data(site, token))
    bounds = Bounds(cancelled=context.cancelled)
    return terraform.apply(variables, bounds, lambda line: context.log(line.replace(token, "(one-time token)")))


IMPLEMENTED = Registry(
    actions={"host.provision": provision, "host.release": release, "worker.join": join},
    probes={"host.can_provision": can_provision, "host.running": running, "worker.joined": joined},
)
