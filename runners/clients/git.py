"""git for the repository with the compose projects: one commit, whole, or nothing at all."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.text.messages import phrase
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.own_folder import in_place, mark, require_room_for
from drbot.runners.clients.process import run_process
from drbot.runners.foundation.permit import OwnWork
from drbot.store.base.file_modes import PUBLIC_UMASK

COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
PROTOCOLS = "file:git:http:https:ssh"  # no ext:: and what else runs a command of the URL's
UNREACHABLE = ("Could not resolve host", "Connection refused", "Connection timed out", "Couldn't connect", "early EOF")


def clone(url: str, commit: str, folder: Path, own: OwnWork, watch: Watch) -> None:
    """Have `folder` at `commit`: a new clone, or the one that this run has made. Raises PermanentError when something
    else is there, TemporaryError (network), CancelledError.
    """
    if not COMMIT.fullmatch(commit):
        raise PermanentError(
            phrase(
                "{commit} is no commit: the whole hash is needed, so that exactly it is fetched", commit=f"{commit!r}"
            )
        )
    require_room_for(folder, own)
    if head_of(folder, watch) == commit:
        return
    with in_place(folder) as part:
        git(["clone", "--quiet", "--no-checkout"], watch, values=[url, str(part)])
        git(["checkout", "--quiet", "--detach", commit], watch, part)
        mark(part, own)


def head_of(folder: Path, watch: Watch) -> str:
    """The commit that is checked out; "" where there is no clone."""
    if not (folder / ".git").is_dir():
        return ""
    return git(["rev-parse", "HEAD"], watch, folder)[-1]


def git(
    arguments: Sequence[str], watch: Watch, folder: Path | None = None, values: Sequence[str] = ()
) -> tuple[str, ...]:
    """The lines of one git command; `values` are words from outside. It asks nobody for a password."""
    if shutil.which("git") is None:
        raise PermanentError(phrase("The program git is not installed on the worker's host"))
    environment = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": PROTOCOLS, "LC_ALL": "C"}
    command = ["git", *(("-C", str(folder)) if folder else ()), *arguments]
    ended = run_process(
        command, watch.bounds, watch.on_line, values=values, environment=environment, umask=PUBLIC_UMASK
    )
    if ended.code != 0:
        said = " ".join(line.strip() for line in ended.lines[-3:])
        if any(sign in said for sign in UNREACHABLE):
            raise TemporaryError(phrase("git {arguments}: {said}", arguments=arguments[0], said=said), kind="network")
        raise PermanentError(phrase("git {arguments} failed: {said}", arguments=arguments[0], said=said))
    return ended.lines
