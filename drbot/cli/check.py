"""`drbot check`: what would fail that night, a line each with what to do about it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from drbot.bot.readiness import SlackReadiness
from drbot.bot.settings import WHERE, BotSettings
from drbot.cli.demo_stack import manifest_path
from drbot.cli.processes import configuration_path, home_path, open_database
from drbot.cli.terminal import Config, Home, marked, spoken
from drbot.core.base.errors import DrbotError
from drbot.core.site.configuration import Loaded, load_configuration
from drbot.core.site.people import Roster
from drbot.core.site.readiness import Line, approvers_line, bad, good
from drbot.core.site.site import Configuration
from drbot.core.text.messages import clauses, duration, filled, phrase, sentences
from drbot.runners.backups.choose_dump import owner_fault
from drbot.runners.backups.choose_full import candidates
from drbot.runners.clients.backup_store import Backup, BackupStore
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.full_store import full_stores, is_of, password
from drbot.runners.clients.restic import installed_version, version_fault
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.readiness import SiteReadiness, rented_lines, second_factor_line
from drbot.slack_simulator.app import read_manifest
from drbot.store.base import ledger
from drbot.store.records import incidents, machines
from drbot.store.records.machines import KnownMachine
from drbot.store.records.rosters import Rosters

STATE: str = phrase("state and ledger")
NO_START: str = phrase("drbot cannot start without it.")
DUMP: str = phrase("backup of PostgreSQL")
FULL: str = phrase("full backup")
MAKE: Mapping[str, str] = {DUMP: "drbot backup postgres", FULL: "drbot backup full"}


OLD: str = phrase("{name} is {age} old")
LATE: str = phrase("{name} is {age} old, more than the RPO of {allowed}: is cron running?")


def check(config: Config = None, home: Home = None) -> None:
    """Look at dr.yml, people, Slack's tokens, scopes and channels, the state, each site's engine, projects, volumes,
    services and PostgreSQL role, and the backups, and say what would fail. Changes nothing; ends with 1 if something
    would.
    """
    loaded, folder = load_configuration(configuration_path(config)), home_path(home)
    about_file = sentences(*loaded.faults) if loaded.faults else phrase("valid")
    lines = [Line(what="dr.yml", well=not loaded.faults, sentence=about_file)]
    roster, about_state = _state(loaded, folder)
    lines += about_state
    lines += _about_slack_and_people(loaded, roster, folder)
    for site in loaded.configuration.sites:
        lines += _about_site(loaded.configuration, site, folder)
    lines += rented_lines(loaded.configuration, *_rented_and_open(folder))
    lines += _about_backups(loaded.configuration)
    console = Console(highlight=False)
    for line in lines:  # a line each, however wide: nothing is cut, and grep finds it
        mark = "[green]✓[/]" if line.well else "[red]✗[/]"
        sentence = escape(" ".join(spoken(line.sentence).split()))
        console.print(f"{mark} {marked(line.what)}: {sentence}", soft_wrap=True)
    raise typer.Exit(0 if all(line.well for line in lines) else 1)


def _state(loaded: Loaded, home: Path) -> tuple[Roster, list[Line]]:
    """Who counts now: the roster in force, before the first start that of dr.yml."""
    rosters = Rosters(loaded.roster, loaded.configuration.approvals, loaded.configuration.default_site)
    try:
        database = open_database(home)
    except DrbotError as error:
        return loaded.roster, [bad(STATE, str(error), NO_START)]
    try:
        with database.read() as connection:
            problems = ledger.verify(connection)
            roster, records = rosters.look(connection), ledger.head(connection)[0]
    except DrbotError as error:
        return loaded.roster, [bad(STATE, str(error), NO_START)]
    finally:
        database.close()
    if problems:
        state = bad(STATE, problems[0], phrase("docs/security.md, The ledger, says what to do."))
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
        yield Line(what="Slack", well=False, sentence=str(error))
    else:
        if settings is None:
            found = phrase("no tokens here: a worker alone needs none; docs/slack.md says where to get them")
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


def _about_site(configuration: Configuration, name: str, home: Path) -> Iterator[Line]:
    site = configuration.site(name)
    if site.provision is not None:
        yield good(name, phrase("is made when it is needed (level 4)"))
        return  # what is rented for it is told once for all sites
    if not site.services:
        return  # the control site: its worker needs no engine
    clients = clients_of(site, configuration, RunnerSettings.from_environment(home), patience_seconds=0)
    recovery = configuration.recovery
    is_empty = recovery is not None and recovery.site == name
    try:
        yield from SiteReadiness(name=name, site=site, clients=clients, is_empty=is_empty).lines()
    except DrbotError as error:
        yield bad(name, str(error), phrase("Look again when its engine answers."))
    finally:
        clients.close()


def _rented_and_open(home: Path) -> tuple[list[KnownMachine], frozenset[int]]:
    """Machines and open incidents of this state; without one nobody knows of any."""
    try:
        database = open_database(home)
    except DrbotError:
        return [], frozenset()
    try:
        with database.read() as connection:
            going_on = incidents.recent(connection, open_only=True, limit=1000)
            return machines.list_of(connection), frozenset(one.id for one in going_on)
    except DrbotError:
        return [], frozenset()
    finally:
        database.close()


def _about_backups(configuration: Configuration) -> Iterator[Line]:
    full = candidates(full_stores(configuration))
    try:
        postgres = BackupStore(configuration.backups.directory).newest_first()
    except DrbotError as error:
        yield Line(what=DUMP, well=False, sentence=str(error))
    else:
        dumps = [(b.name, b.snapshot_at) for b in postgres if _counts(b, configuration)]
        yield _newest(DUMP, dumps, configuration)
    if configuration.object_store is not None:
        site, system = configuration.default_site, configuration.system
        made = [(b.name, b.moment) for b in full.backups if not b.fault and (b.archive or is_of(b, system, site))]
        yield _newest(FULL, made, configuration)
        answers = clauses(full.silent) if full.silent else phrase("all answer")
        yield Line(what=phrase("places of full backups"), well=not full.silent, sentence=answers)
        yield _about_restic()


def _about_restic() -> Line:
    fault = version_fault()
    encrypted = phrase("full backups are encrypted")
    plain = phrase("full backups are not encrypted: set RESTIC_PASSWORD in the environment to encrypt new places")
    if fault is not None:
        return Line(what="restic", well=False, sentence=fault)
    return Line(what="restic", well=True, sentence=clauses([installed_version(), encrypted if password() else plain]))


def _counts(backup: Backup, configuration: Configuration) -> bool:
    """Whether it can be used for the site that is meant when none is named."""
    return not backup.fault and not owner_fault(backup.manifest, configuration.system, configuration.default_site)


def _newest(what: str, found: Sequence[tuple[str, datetime]], configuration: Configuration) -> Line:
    if not found:
        none = phrase("there is none; {command} makes one, best from cron", command=MAKE[what])
        return Line(what=what, well=False, sentence=none)
    name, moment = found[0]
    age, allowed = (datetime.now(UTC) - moment).total_seconds(), configuration.targets.rpo
    is_late = age > allowed
    said = filled(LATE if is_late else OLD, name=name, age=duration(age), allowed=duration(allowed))
    return Line(what=what, well=not is_late, sentence=said)
