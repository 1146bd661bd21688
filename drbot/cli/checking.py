"""What `drbot check` looks at: dr.yml, Slack, the state, each site, the backups; the command is in check.py."""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from drbot.bot.readiness import SlackReadiness
from drbot.bot.settings import WHERE, BotSettings
from drbot.cli.demo_stack import manifest_path
from drbot.cli.processes import open_database
from drbot.core.base.errors import DrbotError
from drbot.core.site.configuration import Loaded
from drbot.core.site.people import Roster
from drbot.core.site.readiness import Line, bad, good
from drbot.core.text.messages import phrase, sentences
from drbot.runners.own_state.state_readiness import state_line
from drbot.runners.upkeep.readiness_rows import Look, lines_of
from drbot.slack_simulator.app import read_manifest
from drbot.store.base import ledger
from drbot.store.base.database import Database
from drbot.store.records.known_workers import KnownWorkers
from drbot.store.records.rosters import Rosters

STATE: str = phrase("state and ledger")
NO_GATES: str = phrase("Correct it; until then no gate opens.")
NO_START: str = phrase("drbot cannot start without it.")


def lines_about(loaded: Loaded, home: Path) -> Iterator[Line]:
    """Everything that a recovery needs, as it is now; each as soon as it is known."""
    about_file = sentences(*loaded.faults) if loaded.faults else phrase("valid")
    yield bad("dr.yml", about_file, NO_GATES) if loaded.faults else good("dr.yml", about_file)
    with ExitStack() as stack:
        try:
            database = stack.enter_context(closing(open_database(home)))
            rosters, about_state = _state(loaded, database, home)
        except DrbotError as error:
            database, about_state = None, [bad(STATE, str(error), NO_START)]
            rosters = _rosters(loaded, home)
        yield from about_state
        away = yield from _about_slack(loaded, rosters.roster)
        look = Look(
            configuration=loaded.configuration, home=home, roster=rosters.roster, approvals=rosters.approvals,
            database=database, away=away,
            own_state=partial(state_line, loaded.configuration, database) if database is not None else None,
        )  # fmt: skip
        yield from lines_of(look, tuple(loaded.configuration.sites))


def _rosters(loaded: Loaded, home: Path) -> Rosters:
    """Who counts now, once it has looked; before the first start those of dr.yml."""
    configuration = loaded.configuration
    return Rosters(loaded.roster, configuration.approvals, configuration.default_site, KnownWorkers(home))


def _state(loaded: Loaded, database: Database, home: Path) -> tuple[Rosters, list[Line]]:
    """Raises DrbotError when it cannot be read."""
    rosters = _rosters(loaded, home)
    with database.read() as connection:
        problems, records = ledger.verify(connection), ledger.head(connection)[0]
        rosters.look(connection)
    if problems:
        state = bad(STATE, problems[0], phrase("drbot docs security, The ledger, says what to do."))
    else:
        state = good(STATE, phrase("{count} records, intact", count=records))
    return rosters, [state, _about_roster(rosters)]


def _about_roster(rosters: Rosters) -> Line:
    what = phrase("roster")
    if rosters.roster.fault:
        return bad(what, rosters.roster.fault, phrase("No gate opens until then."))
    if rosters.policy is not None and rosters.policy.proposals:
        fault = phrase("dr.yml proposes another one that is not in force")
        return bad(what, fault, phrase("Two approvers must accept it: /dr roster."))
    return good(what, phrase("in force") if rosters.policy is not None else phrase("accepted at the first start"))


def _about_slack(loaded: Loaded, roster: Roster) -> Generator[Line, None, frozenset[str]]:
    """What it returns: people whose votes Slack would not bring."""
    try:
        settings = _slack_settings()
    except DrbotError as error:
        yield bad("Slack", str(error), phrase("drbot docs slack walks through it."))
        return frozenset()
    if settings is None:
        yield good(
            "Slack", phrase("no tokens here: a worker alone needs none; drbot docs slack says where to get them")
        )
        return frozenset()
    slack = SlackReadiness(settings, frozenset(read_manifest(manifest_path()).scopes))
    yield from slack.lines(roster, loaded.configuration.channels)
    return frozenset(slack.departed)


def _slack_settings() -> BotSettings | None:
    """None on a host without any token. Raises UserError for half of them."""
    there = [name for name in WHERE if os.environ.get(name)]
    if not there:
        return None
    http = "SLACK_APP_TOKEN" not in there and "SLACK_SIGNING_SECRET" in there
    return BotSettings.from_environment(http="8080" if http else "")
