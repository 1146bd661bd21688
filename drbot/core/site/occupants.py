"""What lies on a host where a recovery wants to go: each of it would be stopped, removed, shadowed or overwritten, so
it is put aside whole before anything else, and comes back whole. Part of the plan and so of its seal.
"""

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum

from drbot.core.base.model import Model
from drbot.core.text.messages import listed, phrase
from drbot.core.text.words import size


class OccupantKind(StrEnum):
    """What it is, and so how it is kept."""

    CONTAINER = "container"  # with its own layer, as an image
    VOLUME = "volume"  # as another volume
    FOLDER = "folder"  # under another name


class Occupant(Model):
    """One of them, exactly: another of that name is another."""

    kind: OccupantKind
    name: str  # of the container or volume; a folder's path
    identity: str  # a container's id, when a volume was made, a folder's device and inode
    keeper: str  # where it is kept: the image, the volume or the folder
    size: int | None = None  # bytes; of a container what it wrote into its own layer; None = could not be measured
    is_running: bool = False

    @property
    def key(self) -> tuple[OccupantKind, str, str]:
        """Which thing it is, wherever it is kept."""
        return self.kind, self.name, self.identity


class Moved(Model):
    """One run that was to clear a host."""

    meant: tuple[Occupant, ...] = ()  # to be put aside, by its plan; empty = the plan is not known
    kept: tuple[Occupant, ...] = ()  # now


def returning(wanted: Moved, later: Iterable[Moved], there: Iterable[Occupant]) -> tuple[Occupant, ...]:
    """What brings a host back to how it was before a run, wherever each of it is: kept by that run; kept by a `later`
    one, oldest first, which found it in its place because that run had stopped; or there still. The last of these
    counts, for those before it are half copies. What ran then runs again, whichever run has stopped it.
    """
    originals = {one.key: one for one in wanted.meant}
    found = {one.key[:2]: one for one in wanted.kept}
    for run in later:
        mine = {one.key[:2] for one in run.meant if one.key in originals}
        found |= {one.key[:2]: one for one in run.kept if one.key[:2] in mine}
    found |= {one.key[:2]: one for one in there if one.key in originals}
    return tuple(_as_it_ran(one, originals.get(one.key)) for one in found.values())


def _as_it_ran(one: Occupant, then: Occupant | None) -> Occupant:
    return one.model_copy(update={"is_running": then.is_running}) if then is not None else one


def aside_suffix(run: str) -> str:
    """Behind the name of everything that this run puts aside of a host."""
    return f"_before_{run}"


IMAGES = "drbot-kept"
"""The repository of the images that keep containers."""

TAG_LETTERS = 128  # Docker's limit


def image_tag(container: str, suffix: str) -> str:
    """The image that keeps a container; a long name is cut, and stays its own by a digest."""
    tag = f"{container}{suffix}"
    if len(tag) > TAG_LETTERS:
        tag = f"{tag[: TAG_LETTERS - 13]}-{hashlib.sha256(tag.encode()).hexdigest()[:12]}"
    return f"{IMAGES}:{tag}"


def names_of(occupants: Iterable[Occupant], kind: OccupantKind) -> tuple[str, ...]:
    return tuple(one.name for one in occupants if one.kind is kind)


def volume_bytes(occupants: Iterable[Occupant]) -> int:
    """What is copied before it is moved: the room that putting aside needs."""
    return sum(one.size or 0 for one in occupants if one.kind is not OccupantKind.FOLDER)


TITLES: Mapping[OccupantKind, str] = {
    OccupantKind.CONTAINER: phrase("containers, with what each wrote into its own layer"),
    OccupantKind.VOLUME: phrase("volumes"),
    OccupantKind.FOLDER: phrase("folder"),
}


def occupants_text(occupants: Iterable[Occupant], *, kept: bool = False) -> tuple[str, ...]:
    """One line for each kind, every one by its name and size. `kept`: by the name of what keeps it, which comes first:
    production's own is called as it was before, and nobody may take that for what is meant.
    """
    found = tuple(occupants)
    return tuple(
        _line(kind, mine, kept) for kind in OccupantKind if (mine := [one for one in found if one.kind is kind])
    )


def _line(kind: OccupantKind, found: list[Occupant], kept: bool) -> str:
    return phrase("{what}: {names}", what=TITLES[kind], names=listed(_named(one, kept) for one in found))


def _named(one: Occupant, kept: bool) -> str:
    much = phrase("size unknown") if one.size is None else size(one.size)
    is_stopped = one.kind is OccupantKind.CONTAINER and not one.is_running
    told = phrase("stopped, {size}", size=much) if is_stopped else much
    if not kept:
        return phrase("{name} ({details})", name=one.name, details=told)
    return phrase("{keeper}, put aside from {name} ({details})", keeper=one.keeper, name=one.name, details=told)
