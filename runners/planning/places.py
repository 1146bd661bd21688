"""Where data lies that a run of level 2 restores or brings back, and the names of what is made beside it."""

import re
from collections.abc import Mapping
from itertools import takewhile

from drbot.core.base.errors import UserError
from drbot.core.base.names import is_folder
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.runbooks.variables import Value
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run
from drbot.core.site.data_kinds import FILES
from drbot.core.site.site import Site
from drbot.core.text.messages import listed, phrase, sentences
from drbot.runners.contract.target import KeptVolume, Target
from drbot.runners.execution.run_context import WorkerContext

KEEPER = "keeper"


def variables_of(run: Run, worker_context: WorkerContext) -> Mapping[str, Value]:
    """Raises UserError for files that dr.yml does not name, and for kept data that is not there; TemporaryError."""
    site = worker_context.site
    variables: dict[str, Value] = {"settings.name": settings_name(site), "settings.place": settings_place(site)}
    if name := run.arguments.get(FILES):
        if name not in site.files:
            raise UserError(
                phrase("Planning {runbook}.", runbook=run.runbook),
                sentences(phrase('`files` of dr.yml names no "{name}".', name=name), did_you_mean(name, site.files)),
                phrase("It names {names}.", names=listed(site.files)) if site.files else "",
            )
        variables |= {"files.place": site.place_of(name), "files.name": volume_name(name)}
    if run.arguments.get(KEEPER):
        kept = require_kept(worker_context.target, run.runbook, run.arguments[KEEPER])
        name = settings_name(site) if kept.original == settings_place(site) else volume_name(kept.original)
        variables |= {"kept.volume": kept.original, "kept.name": name}
        variables["kept.service"] = next((store.service for store in site.stores if store.volume == kept.original), ())
    return variables


def require_places(draft: Plan, site: Site) -> None:
    """A folder changes places under the name that dr.yml gives it alone: by another path the settings would go whole,
    with the data among them. Raises UserError.
    """
    stores = (store.volume for store in site.stores if is_folder(store.volume))
    known = {settings_place(site), *map(site.place_of, site.files), *stores}
    for step in draft.steps:
        place = str(step.with_.get("volume", ""))
        if step.do == "volume.swap" and place.startswith("/") and place not in known:
            raise UserError(
                phrase("Planning {runbook}.", runbook=draft.runbook),
                phrase("{folder} is no folder that dr.yml names.", folder=place),
                phrase("It names {names}.", names=listed(sorted(known))),
            )


def require_kept(target: Target, runbook: str, volume: str) -> KeptVolume:
    """As its labels tell it. Raises UserError when it is not there, TemporaryError."""
    there = target.kept(volume)
    if there is None:
        raise UserError(
            phrase("Planning {runbook}.", runbook=runbook),
            phrase("The kept data {volume} is not there any more.", volume=volume),
            phrase("See: /dr kept"),
        )
    return there


def settings_place(site: Site) -> str:
    return str(site.projects.absolute())


def settings_name(site: Site) -> str:
    """By what the names of all compose projects begin with."""
    letters = takewhile(lambda same: len({*same}) == 1, zip(*site.compose_projects(), strict=False))
    common = "".join(same[0] for same in letters)
    return volume_name(f"{common.rstrip('-_.') or site.projects.name}_settings")


def volume_name(name: str) -> str:
    """A name that Docker takes for a volume."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")
