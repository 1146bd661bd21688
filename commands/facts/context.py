"""What every verb works with: the context, who acts, and which incident and run are meant."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from drbot.commands.speech.messages import Choice, Request
from drbot.commands.speech.parser import Words
from drbot.commands.speech.refusal import Refusal
from drbot.core.approvals.approval import LIVE, ApprovalRequest
from drbot.core.approvals.state_words import REQUEST
from drbot.core.base.errors import TemporaryError, UserError
from drbot.core.files.runbook_file import Runbooks, find_runbooks, is_shipped, load_runbook, runbook_folders
from drbot.core.runbooks.runbook import Runbook
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.site.configuration import Loaded
from drbot.core.site.inventory import with_inventory
from drbot.core.site.people import Person, Roster, require
from drbot.core.site.site import Configuration, Site
from drbot.core.text.messages import listed, phrase
from drbot.core.text.words import cut
from drbot.store.base.database import Database
from drbot.store.base.doorbell import Doorbell
from drbot.store.base.ledger_check import LedgerWatch
from drbot.store.records import incidents, inventories, requests
from drbot.store.records.known_workers import KnownWorkers
from drbot.store.records.rosters import Rosters
from drbot.store.runs import runs, sub_runs

ALWAYS = frozenset({"declare", "stop", "update"})
"""What works for everybody while the people section of dr.yml is broken."""


NEEDS_PEOPLE = (RunState.BLOCKED, RunState.NEEDS_DECISION)


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandContext:
    """Built once by the process that starts; `runbooks` by their id."""

    database: Database
    configuration: Configuration
    rosters: Rosters
    doorbell: Doorbell
    runbooks: Mapping[str, Runbook]
    faults: tuple[str, ...] = ()  # what is wrong with dr.yml; red on every surface
    is_rehearsal: bool = False  # drills alone: what would begin a recovery of production is refused
    ledger: LedgerWatch = field(init=False)

    def __post_init__(self) -> None:
        """The ledger is watched wherever commands are given."""
        object.__setattr__(self, "ledger", LedgerWatch(self.database))

    @property
    def roster(self) -> Roster:
        return self.rosters.roster

    @property
    def home(self) -> str:
        """The channel where /dr is used outside of an incident."""
        return self.configuration.channels.home

    def voters(self, *, fresh: bool = False, among: Roster | None = None) -> Roster:
        """The roster that decides: with the ledger's fault while the ledger is broken, so that no gate opens.

        `fresh`: the ledger is read now. Raises TemporaryError, then only. `among`: the roster of this very moment.
        """
        roster = among or self.roster
        fault = roster.fault or self.ledger.fault(fresh=fresh)
        return roster if fault is None else replace(roster, fault=fault)

    def site(self, name: str) -> Site:
        """As dr.yml and its worker know it: with every service that people may name. Raises TemporaryError."""
        with self.database.read() as connection:
            found = inventories.of_site(connection, name)
        return with_inventory(self.configuration.site(name), found)


def context_of(
    database: Database, doorbell: Doorbell, loaded: Loaded, workers: KnownWorkers | None = None
) -> CommandContext:
    """`workers`: the keys that this host knows; None = it remembers none after this process."""
    found, faults = runbooks_of(loaded.configuration)
    rosters = Rosters(loaded.roster, loaded.configuration.approvals, loaded.configuration.default_site, workers)
    with suppress(TemporaryError), database.read() as connection:  # the ticker looks again every second
        rosters.look(connection)
    return CommandContext(
        database=database,
        configuration=loaded.configuration,
        rosters=rosters,
        doorbell=doorbell,
        runbooks=found,
        faults=(*loaded.faults, *faults),
        is_rehearsal=loaded.is_rehearsal,
    )


def runbooks_of(configuration: Configuration) -> tuple[Mapping[str, Runbook], tuple[str, ...]]:
    """All runbooks that the linter lets through, and what it says about the others: one hides no other."""
    found = find_runbooks(runbook_folders(configuration.runbooks))
    faults: list[str] = []
    for name, path in tuple(found.items()):
        if is_shipped(path):
            continue
        try:
            load_runbook(path)
        except UserError as error:
            del found[name]
            faults.append(error.why)
    return Runbooks(found), tuple(faults)


def asked_for(verb: str, incident: Incident | None = None) -> str:
    """What was tried, for a refusal."""
    if incident is None:
        return phrase("You asked for {verb}.", verb=verb)
    return phrase("{name}: you asked for {verb}.", name=incident.name, verb=verb)


FOR_STRANGERS = frozenset({"help", "whoami"})
"""What says nothing about the system."""


def actor(context: CommandContext, request: Request, access: str, verb: str = "") -> Person:
    """Who acts. Raises UserError unless they may; `access` is a row of ACCESS, or nothing for reading."""
    account = request.account
    if request.is_stranger and not access and verb not in FOR_STRANGERS:
        raise Refusal(
            asked_for(verb or access),
            phrase("drbot shows it to the people of dr.yml and to members of #{channel}.", channel=context.home),
            phrase("Have yourself invited there, or your Slack id added to dr.yml."),
            code="unknown_person",
        )
    if account is not None and (account.is_bot or account.is_deleted or account.is_foreign) and access:
        raise Refusal(
            asked_for(verb or access),
            phrase("Only active members of this workspace may do this."),
            code="account",
        )
    if request.person is not None:
        require_role(request.person, access, verb)
        return request.person
    if not access or (access in ALWAYS and not context.roster.people):
        name = account.id if account is not None else "terminal"
        return Person(id=name, name=name, roles=frozenset())
    raise Refusal(
        asked_for(verb or access),
        phrase("drbot does not know who you are: this account belongs to nobody on the roster in force."),
        phrase(
            "Have your Slack id added to dr.yml; once it is there, two approvers accept it: drbot dr roster. At a "
            "terminal name yourself with --as."
        ),
        code="unknown_person",
    )


def require_role(person: Person, access: str, verb: str = "") -> None:
    try:
        require(person, access, verb)
    except UserError as error:
        code = "not_approver" if access in {"approve", "deny"} else "role"
        raise Refusal(error.tried, error.why, error.todo, code=code) from error


def is_of_incident(conn: Connection, request: Request, words: Words) -> bool:
    """Whether an incident is named, or it was typed in the channel of one."""
    if words.incident is not None:
        return True
    return bool(request.channel) and incidents.of_channel(conn, request.channel or "") is not None


def incident_of(conn: Connection, request: Request, words: Words) -> Incident:
    """The incident that is meant: named, else the channel's, else mentioned, else the only open one."""
    if words.incident is not None:
        return incidents.get(conn, words.incident)
    here = incidents.of_channel(conn, request.channel) if request.channel else None
    if here is not None:
        return here
    if words.mentioned is not None:
        return incidents.get(conn, words.mentioned)
    open_ones = incidents.recent(conn, open_only=True, all_of_them=True)
    if len(open_ones) == 1:
        return open_ones[0]
    if not open_ones:
        raise Refusal(
            asked_for(words.verb),
            phrase("No incident is open."),
            phrase("/dr declare opens one; /dr list all shows earlier ones."),
        )
    names = listed(incident.name for incident in open_ones)
    raise Refusal(
        asked_for(words.verb),
        phrase("Several incidents are open: {names}.", names=names),
        phrase("Say which one."),
        choices=tuple(
            Choice(label=cut(f"{one.name} {one.title}", 75), command=f"{words.verb} {one.name} {words.text}".strip())
            for one in open_ones[:5]
        ),
    )


def must_be_open(incident: Incident, verb: str) -> None:
    """Raises UserError for a resolved incident."""
    if incident.is_open:
        return
    raise Refusal(
        asked_for(verb),
        phrase("{name} is resolved.", name=incident.name),
        phrase("/dr declare opens a new one."),
    )


def current_run(conn: Connection, incident: Incident) -> Run | None:
    """The run that people face: of those that change something and are not over the one that needs them, else the
    newest; else the newest whole one that is over: what was a part of it is told there.
    """
    return faced(runs.of_incident(conn, incident.id))


def faced(of_incident: Iterable[Run]) -> Run | None:
    """The same of all runs of an incident."""
    changing = [run for run in of_incident if run.kind is not RunKind.PLAN]
    going = [run for run in changing if not run.is_over]
    whole = [run for run in changing if not sub_runs.is_part(run)]
    return max(going or whole, key=_urgency, default=None)


def _urgency(run: Run) -> tuple[object, ...]:
    """What is to stop needs nobody; what is blocked needs people, and more so what nobody knows about."""
    needs = NEEDS_PEOPLE.index(run.state) if run.state in NEEDS_PEOPLE and not run.is_over else -1
    return (run.stop_requested is None or run.is_over, needs, run.created_at, run.id)


def request_now(conn: Connection, run: Run | None, going: Iterable[Run]) -> ApprovalRequest | None:
    """What people are asked now, or were last, by the run they face, else by another one that goes on beside it: two
    parts of level 4 may be at work.
    """
    asked = sub_runs.asked_now(conn, run) if run is not None else None
    if asked is not None and asked.state in LIVE:
        return asked
    beside = [one for other in going for one in requests.of_run(conn, other.id) if one.state in LIVE]
    return beside[-1] if beside else asked


def live_request(conn: Connection, incident: Incident, verb: str) -> ApprovalRequest:
    """The approval request that is open now. Raises UserError saying why there is none."""
    of_incident = runs.of_incident(conn, incident.id)
    asked = request_now(conn, faced(of_incident), [run for run in of_incident if not run.is_over])
    if asked is not None and asked.state in LIVE:
        return asked
    if asked is not None:
        state = REQUEST[asked.state]
        why = phrase("Its last request: {state}.", state=state)
    else:
        why = phrase("Nothing is waiting for approval.")
    raise Refusal(
        asked_for(verb, incident),
        why,
        phrase("/dr status shows where it stands."),
        choices=(Choice(label=phrase("Status"), command=f"status {incident.name}"),),
        code="not_live",
    )
