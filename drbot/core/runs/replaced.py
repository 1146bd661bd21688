"""What a step takes away, in words: by its action and arguments alone, so no file can say something else."""

from collections.abc import Callable, Collection, Mapping

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.centre_words import machine_text, move_text
from drbot.core.runs.stakes import KeptData, Stakes
from drbot.core.runs.stakes_words import kept_text
from drbot.core.site.occupants import Occupant, occupants_text
from drbot.core.site.site import Configuration
from drbot.core.text.messages import listed, phrase

OF_HOSTS = frozenset({"host.set_aside", "host.give_up"})
"""What takes occupants of a host."""


def replaced(
    steps: Collection[Step],
    configuration: Configuration,
    site: str,
    stakes: Stakes,
    occupants: Collection[Occupant] = (),
) -> tuple[str, ...]:
    """A line for each step that destroys, for each kind of what is put aside, and for each name that is led back."""
    kept = stakes.kept
    names = listed(configuration.dns.names if configuration.dns else ())
    projects = str(configuration.site(site).projects.absolute())
    owners = {store.volume: store.service for store in configuration.site(site).stores}

    def place(step: Step) -> str:
        return _place(step, owners, stakes.files if _is_of_settings(step, projects) else ())

    words: Mapping[str, Callable[[Step], str]] = {
        "volume.swap": place,
        "volume.swap_back": place,
        "kept.remove": lambda step: _kept(step, kept),
        "dns.change": lambda step: _lead(str(step.with_.get("site")), names, configuration),
        "dns.change_back": lambda _: phrase(
            "where DNS points: back to where it pointed before, for {names}", names=names
        ),
    }
    sites = {one.address: name for name, one in configuration.sites.items() if one.address}
    destroying = [step for step in steps if step.effect == "destroy"]
    lines: list[str] = []
    for step in destroying:
        if step.do in OF_HOSTS:
            continue  # what lies there is told below
        if step.do == "dns.lead_back":
            lines += [move_text(move, sites) for move in stakes.moves]
        elif step.do == "machine.give_back" and stakes.machine is not None:
            lines.append(machine_text(stakes.machine))
        else:
            lines.append(words.get(step.do or "", _other)(step))
    of_hosts = {step.do for step in destroying if step.do in OF_HOSTS}
    if not destroying and any(step.do == "host.put_back" for step in steps):
        return (phrase("nothing is on this host now. What was put aside is put back and STARTED as it was"),)
    return (*(occupants_text(occupants, kept="host.give_up" in of_hosts) if of_hosts else ()), *lines)


def _lead(to: str, names: str, configuration: Configuration) -> str:
    """Names come last: a long list of them is cut at its end."""
    there = configuration.sites.get(to)
    place: str = to
    if there is not None and there.address:
        place = phrase("{name} ({details})", name=to, details=there.address)
    return phrase("where DNS points: to {place} from now on, for {names}", place=place, names=names)


def _place(step: Step, owners: Mapping[str, str], files: Collection[str]) -> str:
    """Names come last: a long list of them is cut at its end."""
    name = str(step.with_.get("volume"))
    if name.startswith("/") and files:
        return phrase("in the folder {name}, each of these files: {files}", name=name, files=listed(files))
    owner = owners.get(name)
    if name.startswith("/") and owner:
        return phrase("folder {name} of {owner}", name=name, owner=owner)
    if name.startswith("/"):
        return phrase("folder {name}", name=name)
    if not owner:
        return phrase("volume {name}", name=name)
    return phrase("volume {name} of {owner}", name=name, owner=owner)


def _is_of_settings(step: Step, projects: str) -> bool:
    """Of these only the files that differ are replaced; every other folder goes whole."""
    return step.with_.get("volume") == projects


def _kept(step: Step, kept: KeptData | None) -> str:
    name = str(step.with_.get("volume"))
    if kept is None or kept.volume != name:
        return phrase("volume {name}", name=name)
    return phrase("the data {kept}", kept=kept_text(kept))


def _other(step: Step) -> str:
    given = listed(f"{name}: {value}" for name, value in step.with_.items())
    return phrase("{name} ({details})", name=step.do, details=given)
