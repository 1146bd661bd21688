"""What the commands share on a terminal: their options, a console, and how an error ends."""

import errno
import os
import pwd
import re
import socket
from pathlib import Path
from typing import Annotated

import typer
from rich.box import HEAVY_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from drbot.core.base.errors import DrbotError
from drbot.core.text.catalogue import languages
from drbot.core.text.messages import phrase, say, sentences
from drbot.core.text.visible import visible

Config = Annotated[Path | None, typer.Option(help="dr.yml (default: DRBOT_CONFIG, else ./dr.yml)")]
Home = Annotated[Path | None, typer.Option(help="State (default: DRBOT_HOME, else ./.drbot)")]

WRONG = 2
"""Exit code of what the person, or a moment's patience, can put right."""


def terminal_language() -> str:
    """What the environment of the terminal asks for, where drbot speaks it; else English."""
    asked = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    code = asked.partition(".")[0].partition("_")[0]
    return code if code in languages() else "en"


def typed(said: str) -> str:
    """With the commands of Slack as they are typed at a terminal."""
    return re.sub(r"(?<![\w/])/dr(?= [a-z])", "drbot dr", said)


def of_page(message: str) -> str:
    """Plain words about what is typed into the page of a local Slack."""
    return say(message, terminal_language())


def spoken(message: str) -> str:
    """Plain words for whoever sits here; nobody has said yet who that is."""
    return typed(of_page(message))


def marked(message: str) -> str:
    """The same between rich's own marks: a path in brackets is none."""
    return escape(spoken(message))


def complain(error: DrbotError | str, language: str = "") -> None:
    """The sentence on stderr, as it is: a path in brackets is no markup, and no letter may move the cursor."""
    said = visible(typed(say(str(error), language or terminal_language())))
    Console(stderr=True, style="red", highlight=False).print(said, markup=False, soft_wrap=True)


DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
"""A disk that takes nothing: not a fault of drbot's, so no traceback."""


def sentence_of(error: DrbotError | OSError) -> str | None:
    """What a person reads instead of a traceback; None when nobody foresaw it."""
    if isinstance(error, DrbotError):
        return str(error)
    if error.errno not in DISK:
        return None
    said = phrase("{place}: {why}.", place=error.filename or phrase("The disk"), why=error.strerror)
    return sentences(said, phrase("Free some space or give this user permission, then start again."))


def plain_console() -> Console:
    """Paths and numbers stay uncoloured and unbroken."""
    return Console(highlight=False, soft_wrap=True)


def table_of(*headers: str, title: str | None = None, framed: bool = True) -> Table:
    """A table that folds what is too long for the terminal: rich cuts it, and a name that was cut cannot be typed."""
    columns = (Column(spoken(header), overflow="fold") for header in headers)
    return Table(*columns, title=None if title is None else spoken(title), box=HEAVY_HEAD if framed else None)


def terminal_name() -> str:
    """The login that types, as the system knows it and not as its environment says: "root@recovery"."""
    try:
        login = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user without an entry, as in many containers
        login = str(os.getuid())
    return f"{login}@{socket.gethostname()}"
