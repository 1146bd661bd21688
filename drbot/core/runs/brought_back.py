"""What of a system a plan brings back from its backup, by the steps and by what the backup holds: the rest is lost.

As far as is known before anything is unpacked. What nobody knows counts as not brought back.
"""

from collections.abc import Iterable

from drbot.core.runbooks.runbook import Step, ancestors_of
from drbot.core.runs.plan import Holds
from drbot.core.site.site import Site


def put_aside_for_good(steps: tuple[Step, ...], site: Site, volumes: Iterable[str], holds: Holds) -> tuple[str, ...]:
    """The volumes and folders of a host that is put aside which no later step fills again."""
    aside = {step.id for step in steps if step.do == "host.set_aside"}
    ancestors = ancestors_of(steps)
    later = [step for step in steps if aside & ancestors[step.id] and step.if_fails != "continue"]
    filled = {name for step in later for name in asked_of(step, site) if name not in not_held(step, site, holds)}
    does = {step.do for step in later}
    if "configuration.restore" in does and holds.configuration:
        filled.add(str(site.projects))
    return tuple(name for name in (*volumes, *site.file_folders, str(site.projects)) if name not in filled)


def asked_of(step: Step, site: Site) -> tuple[str, ...]:
    """The volumes and folders that this step fills from a full backup."""
    if step.do in {"postgres.restore", "redis.restore"}:
        return (str(step.with_.get("volume")),)
    return site.files if step.do == "files.restore" else ()


def not_held(step: Step, site: Site, holds: Holds) -> tuple[str, ...]:
    """Of these what is not known to be in the backup."""
    if step.do == "redis.restore" and not holds.redis:
        return asked_of(step, site)
    return tuple(name for name in site.files if name not in holds.files) if step.do == "files.restore" else ()


def not_raised(lost: Site, there: Site, holds: Holds) -> tuple[str, ...]:
    """What of a lost site does not come to the place that level 3 raises from its backup."""
    names: list[str] = []
    if lost.postgres is not None and there.postgres is None:
        names.append(lost.postgres.volume)
    if lost.redis is not None and (there.redis is None or not holds.redis):
        names.append(lost.redis.volume)
    return (*names, *(name for name in lost.files if name not in there.files or name not in holds.files))
