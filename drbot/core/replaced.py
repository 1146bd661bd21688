"""What a step takes away, in words: by its action and arguments alone, so no file can say something else."""

from collections.abc import Callable, Collection, Iterable, Mapping

from drbot.core.centre_words import machine_text, move_text
from drbot.core.occupants import Occupant, occupants_text
from drbot.core.runbook import Step
from drbot.core.site import Configuration
from drbot.core.stakes import KeptData, Stakes
from drbot.core.stakes_words import kept_text
from drbot.core.words import Text

OF_HOSTS = frozenset({"host.set_aside", "host.give_up"})
"""What takes occupants of a host."""


def replaced(
    steps: Iterable[Step],
    configuration: Configuration,
    site: str,
    stakes: Stakes,
    occupants: Collection[Occupant] = (),
) -> tuple[Text, ...]:
    """A line for each step that destroys, for each kind of what is put aside, and for each name that is led back."""
    kept = stakes.kept
    names = ", ".join(configuration.dns.names) if configuration.dns else ""
    stores = (configuration.site(site).postgres, configuration.site(site).redis)
    owners = {store.volume: store.service for store in stores if store is not None}
    words: Mapping[str, Callable[[Step], Text]] = {
        "volume.swap": lambda step: _volume(step, owners),
        "volume.swap_back": lambda step: _volume(step, owners),
        "kept.remove": lambda step: _kept(step, kept),
        "dns.change": lambda step: _lead(str(step.with_.get("site")), names, configuration),
        "dns.change_back": lambda _: _text(
            f"where {names} leads users: back", f"利用者の向き先を変更前へ戻す、対象の名前: {names}"
        ),
    }
    sites = {one.address: name for name, one in configuration.sites.items() if one.address}
    lines: list[Text] = []
    for step in (step for step in steps if step.effect == "destroy"):
        if step.do in OF_HOSTS:
            continue  # what lies there is told below
        if step.do == "dns.lead_back":
            lines += [move_text(move, sites) for move in stakes.moves]
        elif step.do == "machine.give_back" and stakes.machine is not None:
            lines.append(machine_text(stakes.machine))
        else:
            lines.append(words.get(step.do or "", _other)(step))
    of_hosts = {step.do for step in steps if step.effect == "destroy" and step.do in OF_HOSTS}
    return (*(occupants_text(occupants, kept="host.give_up" in of_hosts) if of_hosts else ()), *lines)


def _text(english: str, japanese: str) -> Text:
    return {"en": english, "ja": japanese}


def _lead(to: str, names: str, configuration: Configuration) -> Text:
    """Names come last: a long list of them is cut at its end."""
    there = configuration.sites.get(to)
    address = f" ({there.address})" if there is not None and there.address else ""
    return _text(
        f"where users are led: to {to}{address} from now on, by {names}",
        f"利用者の向き先を {to}{address} へ変更、対象の名前: {names}",
    )


def _volume(step: Step, owners: Mapping[str, str]) -> Text:
    name = str(step.with_.get("volume"))
    owner = owners.get(name)
    return _text(f"volume {name}{f' of {owner}' * bool(owner)}", f"ボリューム {name}{f' ({owner})' * bool(owner)}")


def _kept(step: Step, kept: KeptData | None) -> Text:
    name = str(step.with_.get("volume"))
    if kept is None or kept.volume != name:
        return _text(f"volume {name}", f"ボリューム {name}")
    said = kept_text(kept)
    return _text(f"the data {said['en']}", said["ja"])


def _other(step: Step) -> Text:
    given = ", ".join(f"{name}: {value}" for name, value in step.with_.items())
    return _text(f"{step.do} ({given})", f"{step.do} ({given})")
