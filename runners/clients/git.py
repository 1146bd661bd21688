"""git for the repository with the compose projects: one commit, whole, or nothing at all."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from core.errors import PermanentError, TemporaryError
from runners.clients.compose import Watch
from runners.clients.process import run_process

UNREACHABLE = ("Could not resolve host", "Connection refused", "Connection timed out", "Couldn't connect", "early EOF")


def clone(url: str, commit: str, folder: Path, watch: Watch) -> None:
    """Have `folder` at `commit`. A clone that is there is only moved to the commit, and never over somebody's changes.

    Raises PermanentError, TemporaryError (network), CancelledError.
    """
    if (folder / ".git").is_dir():
        refuse_changes(folder, watch)
        if head_of(folder, watch) != commit:
            git(["fetch", "--quiet", url, commit], watch, folder)
            git(["checkout", "--quiet", "--detach", commit], watch, folder)
        return
    if folder.exists() and any(folder.iterdir()):
        raise PermanentError(f"{folder} holds something that is no clone of {url}; nothing was touched")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    git(["clone", "--quiet", "--no-checkout", url, str(part)], watch)
    git(["checkout", "--quiet", "--detach", commit], watch, part)
    if folder.exists():
        folder.rmdir()
    part.rename(folder)


def head_of(folder: Path, watch: Watch) -> str:
    """The commit that is checked out; "" where there is no clone."""
    if not (folder / ".git").is_dir():
        return ""
    return git(["rev-parse", "HEAD"], watch, folder)[-1]


def refuse_changes(folder: Path, watch: Watch) -> None:
    """Raise PermanentError when a tracked file is not as it was committed."""
    changed = [line for line in git(["status", "--porcelain", "--untracked-files=no"], watch, folder) if line.strip()]
    if changed:
        raise PermanentError(f"{folder} has changes that are in no commit ({changed[0].strip()}); nothing was touched")


def git(arguments: Sequence[str], watch: Watch, folder: Path | None = None) -> tuple[str, ...]:
    """The lines of one git command. It asks nobody for a password."""
    if shutil.which("git") is None:
        raise PermanentError("The program git is not installed on the worker's host")
    environment = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", *(("-C", str(folder)) if folder else ()), *arguments]
    ended = run_process(command, watch.bounds, watch.on_line, environment=environment)
    if ended.code != 0:
        said = " ".join(line.strip() for line in ended.lines[-3:])
        if any(sign in said for sign in UNREACHABLE):
            raise TemporaryError(f"git {arguments[0]}: {said}", kind="network")
        raise PermanentError(f"git {arguments[0]} failed: {said}")
    return ended.lines
