"""What a step's `with` says, as values; the linter has checked the names already."""

from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.core.runbooks.runbook import names_in
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.site import Service
from drbot.core.text.messages import phrase
from drbot.core.text.words import seconds_of
from drbot.runners.clients.health import service_of
from drbot.runners.contract.action import StepContext

_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def text(arguments: Mapping[str, Any], name: str) -> str:
    """A required text. Raises PermanentError."""
    value = str(arguments.get(name) or "")
    if not value:
        raise PermanentError(phrase("`{name}` is empty", name=name))
    return value


def services(context: StepContext, arguments: Mapping[str, Any]) -> dict[str, Service]:
    """The services a step is about; none where a system has none of a kind. Raises PermanentError where a step does not
    say, and for one that dr.yml does not know.
    """
    if arguments.get("services") is None:
        raise PermanentError(phrase("`services` names no service"))
    return {name: service_of(context.site, name) for name in names_in(arguments["services"])}


def seconds(arguments: Mapping[str, Any], name: str, default: float) -> float:
    """A duration such as "90s". Raises PermanentError."""
    try:
        return seconds_of(arguments.get(name, default))
    except ValueError as error:
        raise PermanentError(phrase("`{name}`: {why}", name=name, why=error)) from error


def counted_rows(context: StepContext) -> Mapping[str, int]:
    """What was counted when an earlier step restored the backup; empty before."""
    found = (facts["rows"] for facts in context.facts.values() if "rows" in facts and "system_identifier" in facts)
    return next(found, {})


def sealed_backup(context: StepContext) -> BackupIdentity:
    """The backup that two people agree to. Raises PermanentError when the plan has none."""
    if context.plan.backup is None:
        raise PermanentError(phrase("This plan has no backup"))
    return context.plan.backup


def byte_count(value: Any, backup_bytes: int) -> float:
    """Bytes of "2.5x backup", "10 GB" or a number. Raises PermanentError."""
    words = str(value).split()
    try:
        if len(words) == 2 and words[1] == "backup":
            return float(words[0].removesuffix("x")) * backup_bytes
        return float(words[0]) * _UNITS[words[1] if len(words) > 1 else "B"]
    except (ValueError, KeyError, IndexError) as error:
        raise PermanentError(
            phrase('"{value}" is not an amount: write "2.5x backup" or "10 GB"', value=value)
        ) from error
