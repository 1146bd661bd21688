"""What `drbot check` looks at: dr.yml, Slack, the state, each site, the backups; the command is in check.py."""

import os
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from drbot.bot.readiness import SlackReadiness
from drbot.bot.settings import WHERE, BotSettings
from drbot.cli.demo_stack import manifest_path
from drbot.cli.processes import open_database
from drbot.core.base.errors import DrbotError
from drbot.core.site.configuration import Loaded
from drbot.core.site.people import Roster
from drbot.core.site.readiness import Line, approvers_line, bad, good
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase, sentences
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.own_state.state_readiness import state_line
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.backup_readiness import Looked, look_at_backups, proof_lines
from drbot.runners.upkeep.outside_readiness import lines_about_all, lines_about_outside
from drbot.runners.upkeep.readiness import (
    confirmed_lines,
    rented_and_open,
    rented_lines,
    second_factor_line,
    site_lines,
)
from drbot.runners.upkeep.routine_readiness import routine_lines
from drbot.runners.upkeep.scheduled_drills import drill_lines
from drbot.slack_simulator.app import read_manifest
from drbot.store.base import ledger
from drbot.store.records import proofs, routines
from drbot.store.records.known_workers import KnownWorkers
from drbot.store.records.machines import KnownMachine
from drbot.store.records.rosters import Rosters

STATE: str = phrase("state and ledger")
NO_GATES: str = phrase("Correct it; until then no gate opens.")
NO_START: str = phrase("drbot cannot start without it.")


def lines_about(loaded: Loaded, home: Path) -> Iterator[Line]:
    """Everything that a recovery needs, as it is now; each as soon as it is known."""
    about_file = sentences(*loaded.faults) if loaded.faults else phrase("valid")
    yield bad("dr.yml", about_file, NO_GATES) if loaded.faults else good("dr.yml", about_file)
    roster, about_state = _state(loaded, home)
    yield from about_state
    yield from _about_slack_and_people(loaded, roster, home)
    for site in loaded.configuration.sites:
        yield from site_lines(loaded.configuration, site, RunnerSettings.from_environment(home))
    yield from rented_lines(loaded.configuration, *_rented_and_open(home))
    yield from _done_before(loaded.configuration, home)
    looked = look_at_backups(loaded.configuration)
    yield from looked.lines
    yield from _of_state(loaded.configuration, roster, looked, home)
    yield from lines_about_all(loaded.configuration)
    yield from lines_about_outside(loaded.configuration)


def _state(loaded: Loaded, home: Path) -> tuple[Roster, list[Line]]:
    """Who counts now: the roster in force, before the first start that of dr.yml."""
    configuration = loaded.configuration
    rosters = Rosters(loaded.roster, configuration.approvals, configuration.default_site, KnownWorkers(home))
    try:
        with closing(open_database(home)) as database, database.read() as connection:
            problems = ledger.verify(connection)
            roster, records = rosters.look(connection), ledger.head(connection)[0]
    except DrbotError as error:
        return loaded.roster, [bad(STATE, str(error), NO_START)]
    if problems:
        state = bad(STATE, problems[0], phrase("drbot docs security, The ledger, says what to do."))
    else:
        state = good(STATE, phrase("{count} records, intact", count=records))
    return roster, [state, _about_roster(rosters)]


def _about_roster(rosters: Rosters) -> Line:
    what = phrase("roster")
    if rosters.roster.fault:
        return bad(what, rosters.roster.fault, phrase("No gate opens until then."))
    if rosters.policy is not None and rosters.policy.proposals:
        fault = phrase("dr.yml proposes another one that is not in force")
        return bad(what, fault, phrase("Two approvers must accept it: /dr roster."))
    return good(what, phrase("in force") if rosters.policy is not None else phrase("accepted at the first start"))


def _about_slack_and_people(loaded: Loaded, roster: Roster, home: Path) -> Iterator[Line]:
    away: frozenset[str] = frozenset()
    try:
        settings = _slack_settings()
    except DrbotError as error:
        settings = None
        yield bad("Slack", str(error), phrase("drbot docs slack walks through it."))
    else:
        if settings is None:
            found = phrase("no tokens here: a worker alone needs none; drbot docs slack says where to get them")
            yield good("Slack", found)
    if settings is not None:
        slack = SlackReadiness(settings, frozenset(read_manifest(manifest_path()).scopes))
        yield from slack.lines(roster, loaded.configuration.channels)
        away = frozenset(slack.departed)
    yield approvers_line(roster, loaded.configuration.approvals, away)
    factor = second_factor_line(roster, TotpSecrets(home)) if (home / "worker").is_dir() else None
    if factor is not None:
        yield factor


def _slack_settings() -> BotSettings | None:
    """None on a host without any token. Raises UserError for half of them."""
    there = [name for name in WHERE if os.environ.get(name)]
    if not there:
        return None
    http = "SLACK_APP_TOKEN" not in there and "SLACK_SIGNING_SECRET" in there
    return BotSettings.from_environment(http="8080" if http else "")


def _done_before(configuration: Configuration, home: Path) -> list[Line]:
    """What is due by the calendar, and drills, as this state knows them; without one nobody does."""
    try:
        with closing(open_database(home)) as database, database.read() as connection:
            now = database.now(connection)
            done = list(routine_lines(routines.list_of(connection), now))
            return [*done, *drill_lines(connection, configuration, now)]
    except DrbotError:
        return []


def _rented_and_open(home: Path) -> tuple[Sequence[KnownMachine], frozenset[int]]:
    """Machines and open incidents of this state; without one nobody knows of any."""
    try:
        with closing(open_database(home)) as database, database.read() as connection:
            return rented_and_open(connection)
    except DrbotError:
        return [], frozenset()


def _of_state(configuration: Configuration, roster: Roster, looked: Looked, home: Path) -> Iterator[Line]:
    """What this state knows of backups, of people and of itself; nothing where it cannot be opened, which is told."""
    try:
        with closing(open_database(home)) as database:
            with database.read() as connection:
                yield from proof_lines(configuration, looked.found, proofs.list_of(connection))
                yield from confirmed_lines(roster, connection)
            yield state_line(configuration, database)
    except DrbotError:
        return
