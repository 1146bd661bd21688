"""Permits for tests that call one action or client by itself; in the product only issuing.py gives any."""

from drbot.runners.foundation.permit import ISSUER, OwnWork, Permit


def permit(*subjects: str, run: str = "r1", step: str = "swap") -> Permit:
    """For exactly these subjects."""
    return Permit(run=run, step=step, request="q1", subjects=frozenset(subjects), issuer=ISSUER)


def own(run: str = "r1", *counted_on: str) -> OwnWork:
    """For what this run has made, while others count on these places."""
    return OwnWork(run=run, counted_on=frozenset(counted_on), issuer=ISSUER)
