"""Puts the data of one volume in the place of another's and keeps the old: seconds, and never a deletion.

Docker cannot rename a volume, so a helper that mounts the folder of all volumes renames the data folders inside
(local driver), and folders of the engine's host beside each other in the same way; otherwise it copies. Of files a
folder is copied from and into volumes as a whole, of settings only those files change places that differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.base.names import is_folder
from drbot.core.text.messages import listed, phrase
from drbot.core.text.words import ending
from drbot.runners.clients import helper
from drbot.runners.clients.container_labels import KEPT_LABEL, RUN_LABEL, helper_name, is_helper
from drbot.runners.clients.docker_engine import DockerEngine, VolumeIdentity
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.host_folders import identity_of
from drbot.runners.clients.postgres_server import stated
from drbot.runners.clients.sandbox import is_of_drill
from drbot.runners.clients.tools_image import tools_image
from drbot.runners.clients.volume_scripts import ASIDE, COPY, EACH, OVERLAID, OVERLAY, RENAME
from drbot.runners.foundation.at_once import at_once
from drbot.runners.foundation.permit import Permit, volume
from drbot.runners.foundation.watching import Cancelled, never

Mode = Literal["move", "look", "stop-between"]
Method = Literal["rename", "copy", "overlay"]
SCRIPTS: Mapping[Method, str] = {"rename": RENAME, "copy": COPY, "overlay": OVERLAY}
ORIGINAL_LABEL, REPLACED_BY_LABEL = "drbot.original", "drbot.replaced_by"
MADE_OF_LABEL = "drbot.made_of"  # of data that was put aside with its whole host: driver, options, labels

LOOKS_AGAIN = 3  # each may wait for the engine as long as it is away

REFUSALS = {
    "three-full": phrase(
        "there is data in the volume, in its replacement and in the keeper: somebody started the service between the "
        "two renames. Nothing was touched; look at all three before you go on"
    ),
    "nothing-to-put-in-place": phrase(
        "the replacement is empty, so there is nothing to put in place. Nothing was touched"
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """The three volumes of a move: `volume` gets the data of `replacement`, its own goes to `keeper`."""

    volume: str  # or a folder of this host, by its whole path
    replacement: str
    keeper: str
    brings_back: bool  # the replacement is data that was kept from this very volume, not a copy made by this run
    image: str
    labels: Mapping[str, str]
    cancelled: Callable[[], bool]
    is_overlay: bool = False  # settings: the folder holds more than what is moved
    data_folder: str = ""  # of PostgreSQL's data, below the volume: its state is told once it is in place

    @property
    def is_folder(self) -> bool:
        """Whether the place is none of Docker's, and what goes there a volume's."""
        return is_folder(self.volume) and not is_folder(self.replacement)

    @property
    def is_bound(self) -> bool:
        """Whether all three are folders of the engine's host, beside each other."""
        return is_folder(self.volume) and is_folder(self.replacement)


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    method: Method
    kept_bytes: int
    state: Mapping[str, str] = field(default_factory=dict)  # of what is in place, as pg_controldata tells it


class VolumeMover:
    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine

    def _method(self, move: Move) -> Method:
        if move.is_folder:
            return "overlay" if move.is_overlay else "copy"
        return self.method_of(move.volume, move.replacement, move.keeper)

    def method_of(self, *names: str) -> Method:
        """By renaming when all these volumes are plain folders side by side; volumes that do not exist yet will be."""
        found = [volume for name in names if not is_folder(name) and (volume := self._engine.volume(name))]
        beside = {*map(root_of, found), *(str(PurePosixPath(name).parent) for name in names if is_folder(name))}
        plain = all(volume.is_plain for volume in found) and len(beside) <= 1
        return "rename" if plain else "copy"

    def move(self, move: Move, permit: Permit, mode: Mode = "move") -> Moved:
        """Do it, or go on where an earlier attempt stopped. Raises PermanentError and then has touched nothing, or says
        what stands where.
        """
        permit.require(volume(move.volume))
        self._ensure_place(move)
        self._require_cold(move)
        self._require_replacement(move, permit)
        self._ensure_keeper(move, permit)
        self._require_cold(move)
        said = self._run(move, mode, helper_name("swap", move.volume))
        if said[-1] != "after":
            raise PermanentError(
                phrase(
                    "Swap {volume}: {why}",
                    volume=move.volume,
                    why=REFUSALS.get(said[-1], phrase("it stopped at: {state}", state=said[-1])),
                )
            )
        self._require_undisturbed(move)
        self._tidy(move, permit)
        state = stated("\n".join(said[:-2]))
        return Moved(method=self._method(move), kept_bytes=int(said[-2]) * 1024, state=state)

    def put_aside(self, folder: str, keeper: str, mark: str, permit: Permit) -> None:
        """A folder gets the name of its keeper, which is empty; again it does nothing. Raises PermanentError."""
        permit.require(volume(folder))
        path = PurePosixPath(folder)
        order = HelperOrder(
            image=tools_image(self._engine),
            name=helper_name("swap", folder),
            labels={RUN_LABEL: permit.run},
            entrypoint=("sh", "-c", ASIDE, "aside"),
            command=(path.name, PurePosixPath(keeper).name, mark),
            mounts=(Mount(source=str(path.parent), target="/volumes"),),
            user="root",
            pinned={"/volumes": identity_of(self._engine, str(path.parent))},
        )
        self._clear(helper_name("swap", folder))
        ended = helper.run(self._engine, order, never)
        if ended.code != 0:
            raise PermanentError(
                phrase("The folder {folder}: {said}", folder=folder, said=ending(ended.output, 300) or ended.code)
            )

    def replacement_of(self, keeper: str) -> str | None:
        """What took the place of the data in this keeper, by its label ("": it has none); None: no such keeper."""
        found = self._engine.volume(keeper)
        return found.labels.get(REPLACED_BY_LABEL, "") if found else None

    def state(self, move: Move) -> str:
        """before, between, after or a refusal; touches nothing."""
        if self._engine.volume(move.keeper) is None:
            return "before"
        return self._run(move, "look", None)[-1]

    def files_of_overlay(self, keeper: str, labels: Mapping[str, str], cancelled: Cancelled) -> tuple[str, ...]:
        """What goes back, or goes away again, with the settings that are kept there. Raises PermanentError."""
        order = HelperOrder(
            image=tools_image(self._engine),
            labels=labels,
            entrypoint=("sh", "-c", OVERLAID),
            mounts=(Mount(source=keeper, target="/keeper", read_only=True),),
            user="root",
        )
        ended = helper.run(self._engine, order, cancelled)
        if ended.code != 0:
            raise PermanentError(phrase("{place}: {why}", place=keeper, why=ending(ended.output, 300)))
        return tuple(sorted(path.removeprefix(".") for path in ended.output.split("\0") if path))

    def remove_kept_volume(self, name: str, permit: Permit, *, original: str, made_at: str) -> bool:
        """Remove this one volume of kept data for good; False when it is gone already. Raises PermanentError for one
        that is not kept data of `original`, was made at another time, or belongs to any container.
        """
        permit.require(volume(name))
        found = self._engine.volume(name)
        if found is None:
            return False
        if kept_from(found) != original or name == original:
            raise PermanentError(
                phrase(
                    "The volume {name} is not kept data of {original}; nothing was removed",
                    name=name,
                    original=original,
                )
            )
        if found.created_at != made_at:
            raise PermanentError(
                phrase(
                    "The volume {name} is not the one of the plan: it was made at {time}",
                    name=name,
                    time=found.created_at,
                )
            )
        users = [user.name for user in self._engine.made_with(name)]
        if users:
            raise PermanentError(
                phrase("The volume {name} is in use by {users}; nothing was removed", name=name, users=listed(users))
            )
        self._engine.remove_volume(name, permit)
        return True

    def _run(self, move: Move, mode: Mode, name: str | None) -> list[str]:
        """The scripts look before they act, so one that was cut short is run again and goes on where it was."""
        for _ in range(LOOKS_AGAIN):
            try:
                return self._once(move, mode, name)
            except TemporaryError as error:
                if error.kind != "network" or self._engine.patience.ends():
                    raise
        return self._once(move, mode, name)

    def _once(self, move: Move, mode: Mode, name: str | None) -> list[str]:
        method = self._method(move)
        names = [_inside(name) if method == "rename" else name for name in (move.volume, move.replacement, move.keeper)]
        mounts = self._mounts(move, method, read_only=mode == "look")
        order = HelperOrder(
            image=move.image,
            name=name,
            labels=move.labels,
            entrypoint=("sh", "-c", SCRIPTS[method], "swap"),
            command=(*names, mode, EACH, move.data_folder),
            mounts=mounts,
            user="root",
            pinned=self._pinned(move, mounts),
        )
        # Not cancelled by STOP: half of it is worse than all of it, and by renaming it takes a fraction of a second.
        stop = move.cancelled if method == "copy" or mode == "look" else never
        if name:
            self._clear(name)
        ended = helper.run(self._engine, order, stop)
        said = ended.output.splitlines()
        if ended.code not in (0, 75) or not said:
            raise PermanentError(
                phrase(
                    "Swap {volume}: the helper failed: {said}",
                    volume=move.volume,
                    said=said[-1] if said else ended.code,
                ),
                cause=ended.cause,
            )
        return said

    def _clear(self, name: str) -> None:
        """Remove a helper of this name that has ended; one still at work makes `create` refuse."""
        found = self._engine.find(name)
        if found and is_helper(name, found["Config"]["Labels"]) and not found["State"]["Running"]:
            self._engine.remove_helper(found["Id"])

    def _mounts(self, move: Move, method: Method, *, read_only: bool) -> tuple[Mount, ...]:
        if method != "rename":
            pairs = ((move.volume, "/volume"), (move.replacement, "/replacement"), (move.keeper, "/keeper"))
            return tuple(
                Mount(source=name, target=target, read_only=read_only)
                for name, target in pairs
                if name and (name.startswith("/") or self._engine.volume(name))
            )
        root = str(PurePosixPath(move.volume).parent) if move.is_bound else root_of(self._identity(move.volume))
        return (Mount(source=root, target="/volumes", read_only=read_only),)

    def _pinned(self, move: Move, mounts: tuple[Mount, ...]) -> dict[str, str]:
        """The folders of people among them: the one where all volumes lie is root's, and a folder with settings may lie
        behind a link of theirs.
        """
        if not move.is_bound:
            return {}
        return {one.target: identity_of(self._engine, one.source) for one in mounts if one.is_path}

    def _identity(self, name: str) -> VolumeIdentity:
        volume = self._engine.volume(name)
        if volume is None:
            raise PermanentError(phrase("There is no volume {name}", name=name))
        return volume

    def require_here(self) -> None:
        """Raises PermanentError where the engine is on another host: a folder there is not the one of this host. The
        engine of a drill is reached by a socket in the folder that it has from here.
        """
        if not Path(self._engine.root_folder()).is_dir() and not is_of_drill(self._engine):
            raise PermanentError(
                phrase("The Docker engine is not on this host, so folders of this host cannot be replaced through it")
            )

    def _ensure_place(self, move: Move) -> None:
        """What is lost altogether has a place again, empty."""
        if move.is_folder:
            self.require_here()
            Path(move.volume).mkdir(parents=True, exist_ok=True)
        elif move.is_bound:  # one that is gone comes with the data
            found = self._engine.volume(move.volume)
            if found is not None and found.fault:
                raise PermanentError(phrase("{place}: {why}. Nothing was touched", place=move.volume, why=found.fault))
        elif self._engine.volume(move.volume) is None:
            self._engine.create_volume(move.volume, move.labels)

    def _require_cold(self, move: Move) -> None:
        names = (*(() if move.is_folder else (move.volume,)), move.replacement, move.keeper)
        for name, users in zip(names, at_once(self._engine.users_of, names), strict=True):
            if users:
                raise PermanentError(
                    phrase(
                        "The volume {name} is in use by {users}; nothing was touched", name=name, users=listed(users)
                    )
                )

    def _require_undisturbed(self, move: Move) -> None:
        """Who came while the data moved may write into the old data under the name of the new."""
        names = (move.keeper,) if move.is_folder else (move.volume, move.keeper)
        users = sorted({user for name in names for user in self._engine.users_of(name)})
        if users:
            raise PermanentError(
                phrase(
                    "Swap {volume}: {users} was started while the data moved, so what it writes may go into "
                    "{keeper}. Stop it, and look at both before you go on",
                    volume=move.volume,
                    users=listed(users),
                    keeper=move.keeper,
                )
            )

    def _ensure_keeper(self, move: Move, permit: Permit) -> None:
        """Create the keeper, or find the one an earlier attempt of the same run created."""
        found = self._engine.volume(move.keeper)
        if found is None:
            labels = {
                **move.labels,
                KEPT_LABEL: "true",
                ORIGINAL_LABEL: move.volume,
                REPLACED_BY_LABEL: move.replacement,
            }
            self._engine.create_volume(move.keeper, labels)
        elif found.labels.get(RUN_LABEL) != permit.run:
            raise PermanentError(
                phrase("The volume {name} was not made by {run}; nothing was touched", name=move.keeper, run=permit.run)
            )

    def _require_replacement(self, move: Move, permit: Permit) -> None:
        """The copy that this very run has made, or data that was kept from this very volume: never any older copy.
        After a finished move it may be gone.
        """
        found = self._engine.volume(move.replacement)
        if found is None:
            return
        if move.brings_back and kept_from(found) != move.volume:
            raise PermanentError(
                phrase(
                    "The volume {name} does not hold kept data of {volume}; nothing was touched",
                    name=found.name,
                    volume=move.volume,
                )
            )
        if not move.brings_back and (found.labels.get(RUN_LABEL) != permit.run or kept_from(found) is not None):
            raise PermanentError(
                phrase("The volume {name} was not made by {run}; nothing was touched", name=found.name, run=permit.run)
            )

    def _tidy(self, move: Move, permit: Permit) -> None:
        """Drop the name whose data is in place now: by renaming it is an empty folder, else a second copy, with every
        secret of it, that nobody would find again.
        """
        try:
            self._engine.remove_emptied_volume(move.replacement, permit)
        except TemporaryError:
            return  # what is in place is in place


def _inside(name: str) -> str:
    """Where its data lies in the folder that the helper mounts."""
    return PurePosixPath(name).name if is_folder(name) else f"{name}/_data"


def kept_from(volume: VolumeIdentity) -> str | None:
    """The volume whose data is kept in this one; None = it is no keeper."""
    return volume.labels.get(ORIGINAL_LABEL, "") if KEPT_LABEL in volume.labels else None


def root_of(volume: VolumeIdentity) -> str:
    """The folder that holds all volumes of the local driver, or the one that a folder lies in."""
    above = PurePosixPath(volume.mountpoint).parent
    return str(above if is_folder(volume.name) else above.parent)
