"""Who somebody is and what they may do. A person may own several Slack ids and is still one person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from drbot.core.base.errors import UserError
from drbot.core.base.signing import halves_of
from drbot.core.site.site import Approvals, PersonEntry, Role, SecondFactor
from drbot.core.text.messages import either, listed, phrase


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What Slack says about the account that acted. A terminal has no account: see `Roster.person`."""

    id: str
    team: str = ""
    is_bot: bool = False
    is_guest: bool = False
    is_deleted: bool = False
    is_foreign: bool = False  # of another workspace

    @property
    def is_known(self) -> bool:
        """Whether Slack told about it; without an answer there is only the id."""
        return bool(self.team)

    @property
    def is_full_member(self) -> bool:
        """Whether a decision may come from it: an active account of this workspace, no guest and no bot."""
        return not (self.is_bot or self.is_guest or self.is_deleted or self.is_foreign)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    id: str
    name: str
    roles: frozenset[Role]
    slack: tuple[str, ...] = ()
    language: str = "en"
    key: str | None = None  # public part of the person's own key (core/base/signing.py)
    counts_from: datetime | None = None  # a new approver waits a day before a vote counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """Everybody drbot knows. `fault` says why no gate may open, or is None."""

    people: Mapping[str, Person]
    fault: str | None = None
    second_factor: SecondFactor = "none"
    break_glass: bool = False
    worker_key: str | None = None  # whose signatures count; each process uses the one it knows
    number: int = 0  # of the acceptance in the ledger; 0 = nothing was accepted yet

    def person(self, person_id: str) -> Person | None:
        return self.people.get(person_id)

    def name_of(self, person_id: str | None) -> str:
        """How people call somebody; "drbot" for what it did by itself."""
        found = self.people.get(person_id or "")
        return found.name if found is not None else person_id or "drbot"

    def of_account(self, account_id: str) -> Person | None:
        return next((person for person in self.people.values() if account_id in person.slack), None)

    def approvers(self, without: frozenset[str] = frozenset()) -> tuple[Person, ...]:
        """Everybody whose vote would count."""
        return tuple(p for p in self.people.values() if "approver" in p.roles and p.id not in without)


def waiting(person: Person, until: datetime | None) -> Person:
    """The same, whose votes do not count before this moment either."""
    if until is None or (person.counts_from is not None and person.counts_from >= until):
        return person
    return replace(person, counts_from=until)


def roster_of(entries: Mapping[str, PersonEntry], approvals: Approvals, language: str = "en") -> Roster:
    """The roster of dr.yml. One that can never reach the quorum is kept, with its fault. `language`: of whoever has
    named none.
    """
    people = {
        key: Person(
            id=key,
            name=entry.name,
            roles=frozenset(entry.roles),
            slack=entry.slack,
            language=entry.language or language,
            key=entry.key,
        )
        for key, entry in entries.items()
    }
    fault = _too_few(people.values(), approvals) or _shared(people.values())
    return Roster(people=people, fault=fault, second_factor=approvals.second_factor, break_glass=approvals.break_glass)


def _too_few(people: Iterable[Person], approvals: Approvals) -> str | None:
    count = sum("approver" in person.roles for person in people)
    if count >= approvals.people:
        return None
    return phrase(
        "dr.yml names {count} approvers; {needed} are needed, so no gate can open. Add people with the role approver.",
        count=count,
        needed=approvals.people,
    )


def _shared(people: Iterable[Person]) -> str | None:
    owners: dict[str, str] = {}
    keys: dict[bytes, str] = {}
    for person in people:
        for account in person.slack:
            if owners.setdefault(account, person.id) != person.id:
                return phrase(
                    "The Slack id {account} belongs to {one} and {other}; it must be one person.",
                    account=account,
                    one=owners[account],
                    other=person.id,
                )
        for half in halves_of(person.key) if person.key is not None else ():
            if keys.setdefault(half, person.id) != person.id:
                return phrase(
                    "{one} and {other} have the same key, so one of them could vote for both; each makes one of their "
                    "own: drbot dr key new.",
                    one=keys[half],
                    other=person.id,
                )
    return None


ACCESS: Mapping[str, frozenset[Role]] = {
    "declare": frozenset({"commander", "approver", "operator", "observer"}),
    "alert": frozenset({"commander", "approver", "operator"}),  # to say that it is seen, silent or over
    "drill": frozenset({"commander", "approver", "operator"}),
    "action": frozenset({"commander", "approver", "operator"}),
    "confirm": frozenset({"commander", "approver", "operator"}),
    "plan": frozenset({"commander", "approver", "operator"}),
    "level": frozenset({"commander", "approver"}),
    "recover": frozenset({"commander", "approver", "operator"}),
    "run": frozenset({"commander", "approver", "operator"}),
    "approve": frozenset({"approver"}),
    "deny": frozenset({"approver"}),
    "stop": frozenset({"commander", "approver", "operator"}),
    "settle": frozenset({"commander", "approver", "operator"}),
    "takeover": frozenset({"commander"}),
    "undo": frozenset({"commander", "approver"}),
    "lead-back": frozenset({"commander", "approver"}),
    "give-up": frozenset({"commander", "approver"}),
    "give-back": frozenset({"commander", "approver"}),
    "update": frozenset({"commander", "approver", "operator"}),
    "answer": frozenset({"commander", "approver", "operator"}),
    "resolve": frozenset({"commander", "approver"}),
    "phone": frozenset({"commander", "approver", "operator"}),
    "break-glass": frozenset({"commander", "approver"}),
    "roster": frozenset({"approver"}),
    "enrol": frozenset({"approver"}),
}
"""Who may use a verb; a verb that is not here changes nothing and is open to everybody on the roster."""


def require(person: Person, access: str, verb: str = "") -> None:
    """Raises UserError, naming the roles that may, unless the person may. `verb`: what was typed, where it goes by the
    row of another one.
    """
    allowed = ACCESS.get(access)
    if allowed is None or person.roles & allowed:
        return
    raise UserError(
        phrase("You asked for {verb}.", verb=verb or access),
        phrase(
            "It needs the role {allowed}; you are {roles}.",
            allowed=either(sorted(allowed)),
            roles=listed(sorted(person.roles)) or phrase("none"),
        ),
        phrase("Ask the incident commander, or have your role changed in dr.yml."),
    )
