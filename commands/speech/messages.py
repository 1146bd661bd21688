"""What goes into a verb and what comes out: one form for slash command, button, dialog and terminal.

A `Reply` describes what to show, never how: bot/blocks makes Block Kit of it, cli/dr.py a table. Its texts, cells and
labels are messages, which a surface says in the language of whoever reads.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from drbot.core.approvals.approval import EntryPoint
from drbot.core.ledger.attestation import Entrance, Origin, Proof
from drbot.core.site.people import Account, Person

Signers = Mapping[Proof, Callable[[bytes], str]]
"""Of whom somebody at a terminal holds the key: their own, or on the recovery host the worker's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Somebody asks for something. `verb_text` is what follows `/dr`."""

    verb_text: str
    person: Person | None  # None = the account belongs to nobody on the roster
    account: Account | None  # None at a terminal
    channel: str | None  # Slack id of the channel it was typed in
    entry_point: EntryPoint
    at: datetime  # aware, UTC
    values: Mapping[str, str] = field(default_factory=dict)  # fields of a dialog or options of a terminal
    sign: Signers = field(default_factory=dict)  # keys that lie at a terminal
    terminal: str = ""  # user and machine, as the operating system says
    is_stranger: bool = False  # neither on the roster nor in the home channel: reads nothing

    @property
    def origin(self) -> Origin:
        return origin_of(self.account, self.terminal)

    @property
    def language(self) -> str:
        return self.person.language if self.person else "en"


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows to show under the sentence; without `header` the first cell of a row is its label."""

    rows: tuple[tuple[str, ...], ...]
    title: str | None = None
    header: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Something that can be done now: a button in Slack, a line "drbot dr …" in a terminal."""

    label: str
    command: str  # the verb text that does it, e.g. "stop DR-7"
    style: Literal["default", "primary", "danger"] = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class DialogRequest:
    """A dialog to open. An entry point without dialogs shows the text of the reply, which says the same."""

    kind: Literal["vote", "declare", "update", "resolve"]
    incident: int | None = None
    request: str | None = None  # id of the approval request, for "vote"
    values: Mapping[str, str] = field(default_factory=dict)  # what is filled in already


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A PNG, drawn in a reader's language by the surface that shows it."""

    name: str  # of the file
    draw: Callable[[str], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    text: str  # a full sentence: notifications and old clients show nothing else
    tables: tuple[Table, ...] = ()
    choices: tuple[Choice, ...] = ()
    markdown: str | None = None  # a long text that is Markdown already: the report
    dialog: DialogRequest | None = None
    in_channel: bool = False  # True: everybody in the channel may read it; else only who asked
    ok: bool = True
    picture: Picture | None = None
    ends_last: bool = False  # what is too long for a message shows its end: the newest is there
    qrs: tuple[str, ...] = ()  # what an authenticator reads from QR codes; secrets, shown to whoever asked alone
    code: str = ""  # of a refused or counted vote: core.approvals.approval.Decision.code; of another refusal: its own


def origin_of(account: Account | None, terminal: str = "") -> Origin:
    """Slack where there is an account, else a terminal."""
    if account is not None:
        return Origin(entrance=Entrance.SLACK, name=account.id)
    return Origin(entrance=Entrance.TERMINAL, name=terminal)
