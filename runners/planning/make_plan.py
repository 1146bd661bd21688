"""Looks at the target without changing it and makes the plan: nothing is left open in it."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from drbot.core.base.errors import UserError
from drbot.core.files.runbook_file import RunbookFile, runbook_folders, runbook_named
from drbot.core.runbooks.runbook import Runbook, Step, without
from drbot.core.runbooks.site_parts import steps_for
from drbot.core.runbooks.variables import Value, fill
from drbot.core.runs.clocks import rpo_seconds
from drbot.core.runs.drill import OF_COPIES
from drbot.core.runs.lost import lost_before, raises_system
from drbot.core.runs.plan import BackupIdentity, Plan
from drbot.core.runs.replaced import replaced
from drbot.core.runs.run import Run, RunKind
from drbot.core.runs.stakes import Stakes, act_of
from drbot.core.runs.stakes_words import ACTS as HEADLINES
from drbot.core.site.inventory import Inventory, placed
from drbot.core.site.old_server import NOT_IN_A_FULL_BACKUP, notes_of
from drbot.core.site.proofs import copy_text, proven_text
from drbot.core.site.site import Approvals, Site
from drbot.core.site.wal import exactly, is_moment_name
from drbot.core.text.messages import clauses, listed, phrase
from drbot.core.text.words import clock
from drbot.runners.contract import strangers
from drbot.runners.contract.target import FINGERPRINT, Chosen, Search
from drbot.runners.execution import damage, settings_seen, users
from drbot.runners.execution.gate import fingerprint_of
from drbot.runners.execution.run_context import DrillTerms, WorkerContext
from drbot.runners.foundation.at_once import both
from drbot.runners.foundation.own_proofs import OwnProofs
from drbot.runners.planning import places, sub_plans, whole_hosts
from drbot.runners.planning.stakes import stakes_of
from drbot.runners.planning.survey_questions import Survey, age_of, not_needed, volumes_taken, warnings_of
from drbot.store.records import steps as known_steps
from drbot.store.runs import runs, sub_runs

FULL = "full"  # `of` of an input: the backup of a whole system, not of PostgreSQL alone


def make_plan(survey: Survey) -> Plan:
    """The plan. Raises UserError with what was tried, why it cannot work, and what to do; TemporaryError."""
    worker_context = survey.worker_context
    file = runbook_named(survey.run.runbook, runbook_folders(worker_context.configuration.runbooks))
    sub_plans.require_sealed(survey.run, file)
    _require_inputs(survey.run, file.runbook)
    with ExitStack() as looking:
        chosen, survey = _chosen(survey, file.runbook, looking)
        return _made(survey, file, chosen)


def _made(survey: Survey, file: RunbookFile, chosen: Chosen | None) -> Plan:
    worker_context = survey.worker_context
    sub_plans.require_same_backup(survey.run, chosen.backup if chosen else None)
    variables = variables_of(survey.run, worker_context.site, worker_context.site_name, file.runbook, chosen)
    variables |= sub_plans.variables_of(worker_context.configuration)
    variables |= places.variables_of(survey.run, worker_context)
    steps = sub_plans.sealed(
        filled_steps(
            steps_for(file.runbook, worker_context.configuration, worker_context.site),
            variables,
            worker_context.approvals,
        ),
        worker_context.configuration,
    )
    if sub_runs.is_part(survey.run):
        steps = sub_plans.without_people(steps)
    steps = _as_usual(worker_context, steps, file.runbook.runbook)
    if worker_context.drill is not None:
        steps = _of_drill(steps, worker_context.drill)
    fingerprint = fingerprint_of(worker_context, survey.cancelled)
    strangers.require_new_name(file.runbook.runbook, survey.run.id, worker_context.target.made_by(survey.run.id))
    draft = _plan(survey, file, steps, fingerprint, chosen)
    host = whole_hosts.of(survey, draft)
    steps = without(steps, not_needed(survey, draft.model_copy(update=host)))
    if not any(step.do == "host.set_aside" for step in steps):
        host.pop("occupants", None)
    draft = _plan(survey, file, steps, fingerprint, chosen)
    draft = draft.model_copy(update={"steps": settings_seen.asked_first(worker_context, draft)} | host)
    strangers.require_none(draft.runbook, volumes_taken(survey, draft), fingerprint)
    places.require_places(draft, worker_context.site)
    users.require_stopped_first(draft.runbook, draft.steps, worker_context.site)
    acts = {step.do for step in draft.steps}
    old = worker_context.target.old_server(survey.cancelled) if "postgres.restore_beside" in acts else None
    notes = (NOT_IN_A_FULL_BACKUP,) if "postgres.restore" in acts else tuple(notes_of(old))
    warnings = (*warnings_of(survey, file, draft, chosen, variables), *notes, *whole_hosts.warnings(survey, draft))
    stakes = _stakes(survey, draft)
    what = replaced(
        draft.steps,
        worker_context.configuration,
        worker_context.site_name,
        stakes,
        (*draft.occupants, *whole_hosts.given_up(draft)),
    )
    about = {"stakes": stakes, "replaces": what, "old_server": old, "warnings": warnings}
    about |= {"backup_proof": _proven_before(survey, chosen)}
    return draft.model_copy(update={**about, "changed": settings_seen.changes(worker_context)})


def _chosen(survey: Survey, runbook: Runbook, looking: ExitStack) -> tuple[Chosen | None, Survey]:
    """The backup, and the survey with all that the system consists of: as it was when the backup was made from which it
    is raised; else read, while the backups are, which takes longer.
    """
    if raises_system(runbook.steps) and (chosen := _backup(survey, runbook)) is not None:
        return chosen, _knowing(survey, _at_this_site(survey, chosen.backup), looking)

    target = survey.worker_context.target
    names = {str(step.do) for step in runbook.steps} | {probe.probe for probe in runbook.ready_when}
    looking.enter_context(target.ahead(names, survey.cancelled))
    return both(lambda: _backup(survey, runbook), lambda: _knowing(survey, target.inventory(survey.cancelled), looking))


def _at_this_site(survey: Survey, backup: BackupIdentity) -> Inventory:
    """What a backup says of its system, with its projects where this site has them."""
    worker_context = survey.worker_context
    of = worker_context.configuration.sites.get(backup.site)
    inventory = backup.holds.inventory
    return inventory if of is None else placed(inventory, of.whole_path, worker_context.site.whole_path)


def _knowing(survey: Survey, inventory: Inventory, looking: ExitStack) -> Survey:
    """With what depends on it looked for already."""
    worker_context = survey.worker_context.knowing(inventory)
    looking.enter_context(worker_context.target.ahead({FINGERPRINT}, survey.cancelled))
    return replace(survey, worker_context=worker_context)


def _as_usual(worker_context: WorkerContext, steps: tuple[Step, ...], runbook: str) -> tuple[Step, ...]:
    """With the time that each took in drills and recoveries before, where there were enough of them to tell."""
    with worker_context.database.read() as connection:
        usual = known_steps.usual_seconds(connection, runbook)

    def learnt(step: Step) -> Step:
        if step.limits is None or step.id not in usual:
            return step
        budget = min(usual[step.id], step.limits.time)
        return step.model_copy(update={"limits": step.limits.model_copy(update={"budget": budget})})

    return tuple(map(learnt, steps))


def _of_drill(steps: tuple[Step, ...], drill: DrillTerms) -> tuple[Step, ...]:
    """Without what a drill leaves out, and without questions where nobody is there to answer."""
    left_out = {step.id for step in steps if step.drill == "skip" or (drill.rehearsed and step.ask is not None)}
    left_out |= {step.id for step in steps if step.gate is not None and left_out.issuperset(step.gate.for_)}
    return without(steps, left_out)


def _drilled(drill: DrillTerms | None) -> dict[str, Any]:
    """In the seal, so that what was agreed to in a drill is good nowhere else."""
    return {} if drill is None else {"mode": "drill", "copy_of": drill.of}


def _require_inputs(run: Run, runbook: Runbook) -> None:
    """Raises UserError for what the runbook does not ask for: nothing that people read may follow from it."""
    of_copies = OF_COPIES if run.kind is RunKind.DRILL_COPY else ()
    known = {*runbook.inputs, "service", *sub_runs.OF_PARTS, *of_copies}
    for name in run.arguments.keys() - known:
        inputs = runbook.inputs
        raise UserError(
            phrase("Planning {runbook}.", runbook=run.runbook),
            phrase("{runbook} takes no {input}.", runbook=run.runbook, input=name),
            phrase("It takes {inputs}.", inputs=listed(inputs)) if inputs else phrase("It takes nothing."),
        )


def variables_of(run: Run, site: Site, site_name: str, runbook: Runbook, chosen: Chosen | None) -> dict[str, Value]:
    """What `${…}` means in this run. Level 1 without a named service looks at every app and front."""
    apps, fronts = site.apps, site.fronts
    named = run.arguments.get("service", "")
    if named and named not in site.services:
        raise UserError(
            phrase("Planning {runbook} for the service {service}.", runbook=run.runbook, service=named),
            phrase("dr.yml does not know it."),
            phrase("Services are: {services}.", services=listed(site.services)),
        )
    variables: dict[str, Value] = {
        "run.id": run.id,
        "incident.id": f"DR-{run.incident}",
        "site": site_name,
        "services.apps": apps,
        "services.fronts": fronts,
        "services.stores": site.store_services,
        "services.all": tuple(site.services),
        "service": (named,) if named else (*apps, *fronts),
    }
    variables["projects"] = str(site.projects)
    variables["monitoring.project"] = site.monitoring.project if site.monitoring else ""
    if site.postgres is not None:
        variables |= {"postgres.volume": site.postgres.volume, "postgres.service": site.postgres.service}
    if site.redis is not None:
        variables |= {"redis.volume": site.redis.volume, "redis.service": site.redis.service}
    if chosen is not None:
        variables["backup"] = chosen.backup.name
    for name in runbook.inputs:
        if run.arguments.get(name):
            variables.setdefault(name, run.arguments[name])
    return variables


def filled_steps(steps: Sequence[Step], variables: Mapping[str, Value], approvals: Approvals) -> tuple[Step, ...]:
    """The steps with every `${…}` replaced. Who counts at a gate is sealed with them: as dr.yml or the runbook says."""
    filled = (fill(step.model_dump(by_alias=True, exclude_unset=True), variables) for step in steps)
    return tuple(_with_policy(Step.model_validate(step), approvals) for step in filled)


def _with_policy(step: Step, approvals: Approvals) -> Step:
    """Whether who asked counts is the accepted policy's word alone, never a file's."""
    if step.gate is None:
        return step
    counts = {"requester_counts": approvals.requester_counts}
    return step.model_copy(update={"gate": step.gate.model_copy(update=counts)})


def _backup(survey: Survey, runbook: Runbook) -> Chosen | None:
    """A backup named by a person wins; else the newest good one. A site without PostgreSQL has full ones alone."""
    wanted = [given.of for given in runbook.inputs.values() if given.type == "backup"]
    if not wanted:
        return None
    name = survey.run.arguments.get("backup") or None
    target = survey.worker_context.target
    search = Search(site=_lost(survey), name=name, cancelled=survey.cancelled)
    search = damage.noting(survey.worker_context, search)
    if FULL in wanted or survey.worker_context.site.postgres is None:
        return target.choose_full_backup(search)
    return target.choose_backup(search)


def _proven_before(survey: Survey, chosen: Chosen | None) -> str:
    """Whether exactly these bytes came back already, also from where they lie, as this host has seen itself."""
    if chosen is None:
        return ""
    backup = chosen.backup
    proof = OwnProofs(survey.worker_context.home).of(backup.sha256)
    if proof is None:
        return ""
    place, copy = backup.store, proof.copies.get(backup.store)
    there = phrase("{what}: {why}", what=place, why=copy_text(copy.read_at, copy.fault)) if copy is not None else ""
    return clauses([proven_text(proof.proven_at, proof.seconds), *([there] if there else [])])


def _lost(survey: Survey) -> str:
    """Whose data it is about: the site's own; only where others are raised by what was declared. The card says it."""
    drill = survey.worker_context.drill
    if drill is not None:
        return drill.of
    recovery, here = survey.worker_context.configuration.recovery, survey.worker_context.site_name
    raises = recovery is not None and here in (recovery.site, recovery.control)
    return survey.incident.site if raises else here


def _plan(
    survey: Survey,
    file: RunbookFile,
    steps: tuple[Step, ...],
    fingerprint: dict[str, Any],
    chosen: Chosen | None,
) -> Plan:
    runbook, run = file.runbook, survey.run
    configuration = survey.worker_context.configuration
    backup = chosen.backup if chosen else None
    is_data = not any(step.do == "settings.restore_beside" for step in steps)  # an RPO is about data
    return Plan(
        runbook=runbook.runbook,
        runbook_sha256=file.sha256,
        level=runbook.level,
        site=survey.worker_context.site_name,
        **_drilled(survey.worker_context.drill),
        run=run.id,
        arguments={name: value for name, value in run.arguments.items() if value},
        steps=steps,
        fingerprint=fingerprint,
        inventory=survey.worker_context.inventory,
        backup=backup,
        policy=survey.policy,
        people=max([survey.worker_context.approvals.people, *(step.gate.people for step in steps if step.gate)]),
        requesters=survey.requesters,
        headline=_headline(file, steps, configuration.system, chosen),
        target=sub_plans.target_of(configuration, survey.worker_context.site_name),
        engine=survey.worker_context.site.docker.host or "",
        loss_seconds=_loss(survey, steps, backup) if backup and is_data else None,
        surveyed_at=survey.now,
    )


def _loss(survey: Survey, steps: tuple[Step, ...], backup: BackupIdentity) -> float:
    """Since the backup, or what was lost already of the data that it was made of."""
    worker_context = survey.worker_context
    with worker_context.database.read() as connection:
        earlier = [
            (run.plan, known_steps.of_run(connection, run.id))
            for run in runs.of_incident(connection, survey.incident.id)
            if run.plan is not None and run.site == (backup.site or worker_context.site_name)
        ]
    lost = lost_before(backup.snapshot_at, steps, earlier)
    return max(lost, rpo_seconds(backup.snapshot_at, survey.incident.started_at))


def _stakes(survey: Survey, draft: Plan) -> Stakes:
    worker_context = survey.worker_context
    return stakes_of(
        worker_context,
        survey.run,
        draft,
        age=age_of(survey, draft.backup),
        raises=sub_plans.raising(
            draft.steps, worker_context.configuration, draft.backup.name if draft.backup else None
        ),
        cancelled=survey.cancelled,
    )


def _headline(file: RunbookFile, steps: tuple[Step, ...], system: str, chosen: Chosen | None) -> str:
    """Words of a runbook that does not come with drbot are not put above what it does."""
    title = file.runbook.title if file.is_shipped else HEADLINES[act_of(steps)]
    if chosen is None:
        return phrase("{title}: {system}", title=title, system=system)
    name, moment = chosen.backup.name, chosen.backup.snapshot_at
    if is_moment_name(name):
        return phrase("Take PostgreSQL back: {system}, as of {moment} UTC", system=system, moment=exactly(moment))
    as_of = f"{moment:%Y-%m-%d} {clock(moment)}"
    return phrase(
        "{title}: {system}, from {name} (data as of {as_of})", title=title, system=system, name=name, as_of=as_of
    )
