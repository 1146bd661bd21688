"""The certificate of the system's names, where its users' browsers see it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from drbot.core.base.errors import DrbotError
from drbot.core.text.messages import listed, phrase
from drbot.runners.actions.centre import certificate_of
from drbot.runners.clients.certbot import Certbot
from drbot.runners.clients.handshake import accepted_until
from drbot.runners.clients.process import Bounds
from drbot.runners.contract.action import Finding, Outcome, Registry, StepContext


def issue(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Get it, see that a browser would accept it, install it. The names must lead here already: the CA looks."""
    certbot = certbot_of(context)
    issued = certbot.issue(context.site.address, Bounds(cancelled=context.cancelled), context.log)
    until = _until(context, issued)
    folder = folder_of(context)
    if folder != issued:
        certbot.install(folder)
    names = listed(certbot.settings.names)
    return Outcome(
        summary=phrase("A certificate for {names}, valid until {date}", names=names, date=f"{until:%Y-%m-%d}"),
        facts={"until": until.isoformat(), "folder": str(folder)},
    )


def possible(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Is certbot here, and does the ACME server answer?"""
    try:
        certbot_of(context).require()
    except DrbotError as error:
        return Finding(passed=False, sentence=phrase("No certificate can be obtained: {why}", why=error))
    return Finding(passed=True, sentence=phrase("A certificate can be obtained"))


def installed(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Would a browser accept what lies where the front reads it?"""
    try:
        until = _until(context, folder_of(context))
    except DrbotError as error:
        return Finding(passed=False, sentence=str(error))
    return Finding(passed=True, sentence=phrase("The certificate is accepted, until {date}", date=f"{until:%Y-%m-%d}"))


def certbot_of(context: StepContext) -> Certbot:
    """Its account and its files stay with the worker."""
    return Certbot(certificate_of(context), context.clients.settings.home / "certbot")


def folder_of(context: StepContext) -> Path:
    """Where the front reads it; without `install` in dr.yml: where certbot keeps it."""
    install = certificate_of(context).install
    return context.site.projects / install if install else certbot_of(context).issued


def _until(context: StepContext, folder: Path) -> datetime:
    settings = certificate_of(context)
    return min(accepted_until(folder, name, settings.roots) for name in settings.names)


IMPLEMENTED = Registry(
    actions={"certificate.issue": issue},
    probes={"certificate.possible": possible, "certificate.installed": installed},
)
