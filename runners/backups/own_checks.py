"""Asks a restored copy what dr.yml's own checks want to know, before anybody is asked to vote for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from drbot.core.base.errors import BackupError, Cause, PermanentError
from drbot.core.site.own_checks import OwnCheck
from drbot.core.site.site import Configuration, Site
from drbot.core.text.messages import phrase
from drbot.runners.clients.own_statements import ASK, SECONDS, asking, environment, refusal_in, value_in
from drbot.runners.clients.scratch_postgres import Scratch, environment_of
from drbot.runners.clients.streams import feed_command


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedOfCopy:
    """`databases`: of the site's PostgreSQL; a check that names none is for the only one."""

    checks: Sequence[OwnCheck] = ()
    databases: Sequence[str] = ()
    seconds: int = SECONDS  # for each


def asked_of_copy(configuration: Configuration, site: Site) -> AskedOfCopy:
    """What dr.yml asks of a copy of the PostgreSQL of this site."""
    databases = site.postgres.databases if site.postgres is not None else ()
    return AskedOfCopy(checks=configuration.proof.of_sql, databases=databases)


def require_own_checks(scratch: Scratch, container: str, asked: AskedOfCopy) -> None:
    """Raise BackupError with the first check that the copy does not pass; PermanentError where it took too long."""
    for check in asked.checks:
        fault = check.fault(_answer(scratch, container, check, asked))
        if fault:
            raise BackupError(fault)


def _answer(scratch: Scratch, container: str, check: OwnCheck, asked: AskedOfCopy) -> str:
    """The value as PostgreSQL writes it."""
    assert check.sql is not None
    database = check.database or asked.databases[0]
    variables = {**environment_of(scratch, database), **environment(database, scratch.user, asked.seconds)}
    command, script = asking(check.sql), [ASK.encode()]
    ended = feed_command(scratch.engine, container, command, script, scratch.cancelled, variables)
    if ended.code != 0 and "statement timeout" in ended.output:
        why = phrase("it took longer than {seconds} s", seconds=asked.seconds)
        raise PermanentError(check.named(why), cause=Cause.TIME)
    if ended.code != 0:
        said = check.named(refusal_in(ended.output))
        raise BackupError(said) if ended.cause is Cause.OTHER else PermanentError(said, cause=ended.cause)
    value = value_in(ended.output)
    if value is None:
        raise BackupError(check.named(phrase("it must answer one value: one row with one column")))
    return value
