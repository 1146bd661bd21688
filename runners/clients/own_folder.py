"""Folders of the host that a run has made itself: only into these it writes files of the system.

The mark lies where git keeps its own files, so that the clone stays as it was committed.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from drbot.core.base.errors import PermanentError
from drbot.core.site.occupants import aside_suffix
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.process import Bounds, run_process
from drbot.runners.foundation.permit import OwnWork, Permit
from drbot.runners.foundation.permit import folder as folder_subject
from drbot.runners.foundation.permit import kept as kept_subject
from drbot.store.base.file_modes import public_folder

MARK = Path(".git", "drbot-run")
PLAIN_MARK = Path(".drbot-run")  # where there is no repository


def mark(folder: Path, own: OwnWork) -> None:
    """A folder that was made just now, before it has its name."""
    _sign(folder, own.run)


def _sign(folder: Path, run: str) -> None:
    (folder / (MARK if (folder / MARK).parent.is_dir() else PLAIN_MARK)).write_text(run)


def make_own(folder: Path, own: OwnWork) -> None:
    """An empty folder of this run, if it has not made it before. Raises PermanentError when something else is there."""
    require_room_for(folder, own)
    if is_own(folder, own.run):
        return
    with in_place(folder) as part:
        public_folder(part)
        mark(part, own)


def require_room_for(folder: Path, own: OwnWork) -> None:
    """Raises PermanentError where something is there that this run has not made."""
    if is_foreign(folder, own.run):
        raise PermanentError(
            phrase("{folder} holds something that this run has not made; nothing was touched", folder=folder)
        )


@contextmanager
def in_place(folder: Path) -> Iterator[Path]:
    """Fill it under a name that nobody had, for what lies beside it may be anybody's; then it gets its own name."""
    public_folder(folder.parent)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent.absolute()) as private:
        part = Path(private) / folder.name
        yield part
        if folder.exists():
            folder.rmdir()  # empty, else it were foreign
        part.rename(folder)


def is_foreign(folder: Path, run: str) -> bool:
    """Whether something is there that this run has not made."""
    if not folder.exists() and not folder.is_symlink():
        return False
    if folder.is_dir() and not any(folder.iterdir()):
        return False
    return not is_own(folder, run)


def is_own(folder: Path, run: str) -> bool:
    """Whether this run has made it, by its mark."""
    return _made_by(folder) == run


def require_own(folder: Path, own: OwnWork) -> None:
    """Raises PermanentError unless this run has made the folder."""
    if not is_own(folder, own.run):
        raise PermanentError(
            phrase("The folder {folder} was not made by {run}; nothing was touched", folder=folder, run=own.run)
        )


def set_aside(folder: Path, keeper: Path, permit: Permit, *, home: Path) -> None:
    """Give a folder another name beside its own, with everything in it. Raises PermanentError."""
    permit.require(folder_subject(folder))
    require_movable(folder, keeper, home=home)
    try:
        folder.rename(keeper)
    except OSError as error:
        raise PermanentError(
            phrase("{folder} could not be put aside: {why}", folder=folder, why=error.strerror or error)
        ) from error


def require_movable(folder: Path, keeper: Path, *, home: Path) -> None:
    """Raises PermanentError when the other name is taken, or when drbot itself lives inside."""
    if home.resolve().is_relative_to(folder.resolve()):
        raise PermanentError(
            phrase(
                "drbot's own files are in {folder}, so it is not put aside: give `projects` its own folder",
                folder=folder,
            )
        )
    if os.path.lexists(keeper):
        raise PermanentError(phrase("{keeper} exists already; nothing was touched", keeper=keeper))
    require_no_mount(folder)


def require_no_mount(folder: Path) -> None:
    """Raises PermanentError when another file system is mounted below: others use what would go along."""
    below = mounts_below(folder)
    if below:
        raise PermanentError(
            phrase(
                "{paths} is mounted below {folder}, so it was not touched: unmount it first",
                paths=listed(below[:3]),
                folder=folder,
            )
        )


def mounts_below(folder: Path) -> tuple[str, ...]:
    """Where other file systems are mounted below it, as the kernel lists them (proc(5), mountinfo)."""
    table = Path("/proc/self/mountinfo")
    if folder.is_symlink() or not table.exists():
        return ()
    points = (Path(os.fsdecode(_plain(line.split(b" ")[4]))) for line in table.read_bytes().splitlines())
    above = folder.resolve()
    return tuple(sorted(str(point) for point in points if above in point.parents))


def _plain(escaped: bytes) -> bytes:
    r"""A path of the kernel's, which writes a space as \040; all other bytes stand for themselves."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), escaped)


def remove_kept(keeper: Path, identity: str, permit: Permit) -> None:
    """Delete a folder that was put aside, exactly this one; one that is gone is fine. Raises PermanentError."""
    permit.require(folder_subject(keeper))
    if not os.path.lexists(keeper):
        return
    if identity_of(keeper) != identity:
        raise PermanentError(phrase("{keeper} is not the folder of the plan; nothing was removed", keeper=keeper))
    require_no_mount(keeper)
    try:
        if keeper.is_symlink():
            keeper.unlink()
        else:
            shutil.rmtree(keeper)
    except OSError as error:
        raise PermanentError(
            phrase("{keeper} could not be removed: {why}", keeper=keeper, why=error.strerror or error)
        ) from error


def identity_of(folder: Path) -> str:
    """Which one it is: a link is itself one."""
    there = folder.lstat()
    return f"{there.st_dev}:{there.st_ino}"


def size_of(folder: Path) -> int:
    """Bytes on the disk of everything in it; of a link its own. Unreadable things count as nothing."""
    total = 0
    for path, _, names in os.walk(folder, onerror=None, followlinks=False):
        for name in names:
            with suppress(OSError):
                total += Path(path, name).lstat().st_blocks * 512
    return total


def aside_of(folder: Path, run: str) -> Path | None:
    """What this run has put aside of it: the whole name counts, for nothing else tells a kept folder from any other."""
    wanted = folder.name + aside_suffix(run)
    found = folder.parent.iterdir() if folder.parent.is_dir() else ()
    return next((path for path in found if path.name == wanted), None)


def copy_back(keeper: Path, folder: Path, permit: Permit, bounds: Bounds, on_line: Callable[[str], None]) -> None:
    """The folder as it was put aside, with this run's mark until `without_mark`: an earlier attempt may have started
    what writes into it. The kept one stays. Raises PermanentError when another one is there.
    """
    permit.require(kept_subject(str(keeper)))
    if is_own(folder, permit.run):
        return
    if folder.exists() and any(folder.iterdir()):
        both = [str(keeper), str(folder)]
        if (
            run_process(["diff", "-rq", "--no-dereference"], bounds, on_line, values=both).code == 0
        ):  # an earlier attempt's
            return
        raise PermanentError(phrase("{folder} holds something; it was not touched", folder=folder))
    with in_place(folder) as part:
        ended = run_process(["cp", "-a", "--reflink=auto"], bounds, on_line, values=[str(keeper), str(part)])
        if ended.code != 0:
            raise PermanentError(
                phrase("{keeper} could not be copied back: {said}", keeper=keeper, said=" ".join(ended.lines[-2:]))
            )
        if not part.is_symlink():
            _sign(part, permit.run)


def without_mark(keeper: Path, folder: Path, permit: Permit) -> None:
    """The copy is in use now, and has what was kept alone."""
    permit.require(kept_subject(str(keeper)))
    for name in (MARK, PLAIN_MARK) if is_own(folder, permit.run) and not folder.is_symlink() else ():
        here, kept = folder / name, keeper / name
        if not here.is_file():
            continue
        if kept.is_file():
            shutil.copy2(kept, here)
        else:
            here.unlink()
        shutil.copystat(kept.parent, here.parent)


def _made_by(folder: Path) -> str | None:
    for name in (MARK, PLAIN_MARK):
        with suppress(OSError):
            return (folder / name).read_text()
    return None
