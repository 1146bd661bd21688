"""Plans with parts: steps that a run at another site does, and the plan of such a run (store/runs/sub_runs.py)."""

from drbot.core.base.errors import UserError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.files.runbook_file import RunbookFile, runbook_folders, runbook_named
from drbot.core.runbooks.runbook import Step, without
from drbot.core.runbooks.variables import Value
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.run import Run
from drbot.core.site.site import Configuration
from drbot.core.text.messages import listed, phrase, sentences
from drbot.store.runs import sub_runs

RAISES = "level3-host"
FOR_PEOPLE = frozenset({"notify.stakeholders"})


def sealed(steps: tuple[Step, ...], configuration: Configuration) -> tuple[Step, ...]:
    """The steps with the digest of every runbook they hand over to. Raises UserError for one that is not there."""
    return tuple(_sealed(step, configuration) for step in steps)


def _sealed(step: Step, configuration: Configuration) -> Step:
    part = step.run
    if part is None:
        return step
    require_site(part.site, configuration, phrase("Planning {runbook}.", runbook=step.id))
    file = runbook_named(part.runbook, runbook_folders(configuration.runbooks))
    return step.model_copy(update={"run": part.model_copy(update={"sha256": file.sha256})})


def of_ones_own(steps: tuple[Step, ...], configuration: Configuration) -> list[str]:
    """Files of the parts whose runbooks do not come with drbot."""
    folders = runbook_folders(configuration.runbooks)
    files = [runbook_named(step.run.runbook, folders) for step in steps if step.run is not None]
    return [file.path.name for file in files if not file.is_shipped]


def raising(steps: tuple[Step, ...], configuration: Configuration, backup: str | None) -> frozenset[str]:
    """The steps that raise the system where users are led, by drbot's own level 3 and from this backup."""
    folders = runbook_folders(configuration.runbooks)
    leads_to = {step.with_.get("site") for step in steps if step.do == "dns.change"}
    return frozenset(
        step.id
        for step in steps
        if step.run is not None
        and (step.run.runbook, step.run.with_.get("backup")) == (RAISES, backup)
        and leads_to == {step.run.site}
        and runbook_named(RAISES, folders).is_shipped
    )


def require_site(name: str, configuration: Configuration, tried: str) -> None:
    """Raises UserError for a site nobody knows."""
    if name not in configuration.sites:
        known = list(configuration.sites)
        raise UserError(
            tried,
            sentences(phrase('There is no site "{name}".', name=name), did_you_mean(name, known)),
            phrase("Sites in dr.yml: {names}.", names=listed(known)),
        )


def require_sealed(run: Run, file: RunbookFile) -> None:
    """A part follows the very runbook that people saw. Raises UserError when it was changed meanwhile."""
    expected = run.arguments.get(sub_runs.RUNBOOK)
    if expected is not None and expected != file.sha256:
        raise UserError(
            _tried(run),
            phrase(
                "The runbook is not the one that was planned with: its file was changed, or this worker "
                "has another one."
            ),
            phrase("Give both workers the same runbooks, then plan again: /dr recover"),
        )


def _tried(run: Run) -> str:
    return phrase("Planning {runbook} as part of {run}.", runbook=run.runbook, run=run.arguments[sub_runs.PART_OF])


def require_same_backup(run: Run, backup: BackupIdentity | None) -> None:
    """A part works with the very bytes that people saw. Raises UserError for others of the same name."""
    expected = run.arguments.get(sub_runs.BACKUP)
    if expected is not None and (backup is None or backup.sha256 != expected):
        raise UserError(
            _tried(run),
            phrase("The backup of that name is not the one that was planned with: its contents differ."),
            phrase("Plan again: /dr recover"),
        )


def variables_of(configuration: Configuration) -> dict[str, Value]:
    """What `${…}` says of places outside of the site."""
    variables: dict[str, Value] = {}
    if configuration.repository is not None:
        variables |= {"repository.url": configuration.repository.url}
        variables |= {"repository.commit": configuration.repository.commit}
    if configuration.recovery is not None:
        variables["recovery.site"] = configuration.recovery.site
    if configuration.dns is not None:
        variables["dns.names"] = configuration.dns.names
    return variables


def target_of(configuration: Configuration, site: str) -> str:
    """What an approver types: the site that is changed. A control site itself never is."""
    recovery = configuration.recovery
    controls = recovery is not None and site == recovery.control and not configuration.site(site).services
    return recovery.site if recovery is not None and controls else site


def without_people(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Without questions and words to stakeholders: the run that waits for this one asks and tells at its own end."""
    return without(steps, {step.id for step in steps if step.ask is not None or step.do in FOR_PEOPLE})
