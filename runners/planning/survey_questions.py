"""What a survey asks beside the fingerprint: which steps are needed, what cannot work, what approvers are warned of."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drbot.core.base.errors import CancelledError, DrbotError, UserError
from drbot.core.files.runbook_file import RunbookFile
from drbot.core.runbooks.actions import PROBES
from drbot.core.runbooks.effects import effect_of
from drbot.core.runbooks.runbook import Runbook, Step
from drbot.core.runbooks.variables import Value, fill
from drbot.core.runs.brought_back import not_held
from drbot.core.runs.clocks import rpo_seconds
from drbot.core.runs.incident import Incident
from drbot.core.runs.lost import raises_system
from drbot.core.runs.plan import BackupIdentity, Plan
from drbot.core.runs.run import Run, RunKind
from drbot.core.runs.stakes import Act, act_of, kept_by
from drbot.core.site.full_manifest import is_full_name
from drbot.core.site.inventory import copied_text, copied_while_written, unkept, unkept_text
from drbot.core.site.wal import is_moment_name
from drbot.core.text.messages import closed, duration, listed, phrase, sentences
from drbot.runners.clients.full_store import password
from drbot.runners.contract.action import Finding, StepContext
from drbot.runners.contract.target import Chosen
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.sealed_plans import sealed_here
from drbot.runners.execution.step_log import StepLog
from drbot.runners.foundation.permit import volumes_in
from drbot.runners.foundation.watching import unheard
from drbot.runners.planning import sub_plans
from drbot.runners.planning.places import require_kept

MUST_HOLD: Mapping[str, str] = {
    "disk.free": phrase("Make room on the target"),
    "backup.holds": phrase("Name another backup (/dr recover backup NAME)"),
    "host.room": phrase("Make room on the host, or give it a larger disk"),
    "host.suitable": phrase("Name another backup (/dr recover backup NAME), or correct dr.yml"),
    "host.writable": phrase("Let drbot write to the folders on that host, or correct dr.yml"),
    "host.free": phrase(
        "Stop what uses the port and rename what has the name; drbot does not touch what is not this system's"
    ),
    "dns.changeable": phrase("Give the worker the right to change the zone, or correct `dns` in dr.yml"),
    "machine.unled": phrase("Make sure that nobody needs the machine"),
    "host.can_provision": phrase("Give the worker the right to make machines, or correct `provision` in dr.yml"),
}
"""Without these the plan cannot work, and what to do; every other `ready_when` that fails is a warning on the card."""


UNVERIFIED: str = phrase("RESTIC_PASSWORD is not set here: anyone who can write to that bucket could have made it.")
RECOVER = "/dr recover"
AGAIN: Mapping[RunKind, str] = {
    RunKind.UNDO: "/dr undo",
    RunKind.LEAD_BACK: "/dr lead-back",
    RunKind.GIVE_UP: "/dr kept",
    RunKind.GIVE_BACK: "/dr kept",
}
"""Where somebody asks again for what they asked for: a recovery is no answer to who wanted to give something back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    worker_context: WorkerContext
    run: Run
    incident: Incident
    requesters: tuple[str, ...]
    policy: int  # number of the roster in force
    now: datetime
    cancelled: Callable[[], bool]


def warnings_of(
    survey: Survey, file: RunbookFile, draft: Plan, chosen: Chosen | None, variables: Mapping[str, Value]
) -> tuple[str, ...]:
    """What approvers read beside the plan. Raises UserError where it cannot work."""
    return (
        *_of_ones_own(survey, file),
        *(passed_over(chosen) if chosen is not None else ()),
        *fetched_from(draft.backup),
        *_to_a_moment(survey, draft),
        *_lacking(survey, draft),
        *_unkept(survey, draft),
        *_not_seen_to_work(survey, draft),
        *_unready(survey, file.runbook, draft, variables),
    )


def _of_ones_own(survey: Survey, file: RunbookFile) -> tuple[str, ...]:
    mine = [] if file.is_shipped else [file.path.name]
    mine += sub_plans.of_ones_own(file.runbook.steps, survey.worker_context.configuration)
    if not mine:
        return ()
    return (
        phrase(
            "The steps are those of a runbook of your own, not of one that comes with drbot: {files}",
            files=listed(mine),
        ),
    )


def passed_over(chosen: Chosen) -> Iterator[str]:
    """What else there was, why it is not used, and what speaks against the one that a person has named."""
    yield from chosen.failed
    yield from (phrase("A newer backup was refused: {why}", why=why) for why in chosen.refused)
    for why in chosen.copies:
        yield phrase("A copy of this backup was refused, and another copy of the same backup is used: {why}", why=why)
    yield from chosen.twins
    yield from (phrase("There may be a newer backup: {why}", why=why) for why in chosen.silent)


def fetched_from(backup: BackupIdentity | None) -> tuple[str, ...]:
    """Where a dump of PostgreSQL comes from, when it is not the folder, and who could have made it."""
    if backup is None or is_full_name(backup.name) or not backup.is_in_bucket:
        return ()
    said = phrase("The backup is fetched from {place}: the folder here holds no good copy of it.", place=backup.place)
    return (said,) if password() else (said, UNVERIFIED)


def _to_a_moment(survey: Survey, draft: Plan) -> tuple[str, ...]:
    """What loses less, where the data is there and wrong: since when, only people can say."""
    postgres = survey.worker_context.site.postgres
    is_dump = any(step.do == "postgres.restore_beside" for step in draft.steps)
    if postgres is None or postgres.continuous is None or not is_dump or draft.backup is None:
        return ()
    if survey.worker_context.drill is not None or is_moment_name(draft.backup.name):
        return ()
    command = f"/dr recover {survey.incident.name} to 02:13"
    return (phrase("PostgreSQL can go back to any second that was received instead: {command}", command=command),)


def _lacking(survey: Survey, draft: Plan) -> tuple[str, ...]:
    """Told before, also where nothing is replaced and nobody is asked."""
    if draft.backup is None:
        return ()
    site, holds = survey.worker_context.site, draft.backup.holds
    names = [name for step in draft.steps for name in not_held(step, site, holds)]
    return (phrase("Not known to be in the backup: {names}", names=listed(names)),) if names else ()


def _unkept(survey: Survey, draft: Plan) -> tuple[str, ...]:
    """What the system has and no backup holds, or holds as it was while it was written: of a lost host nothing else
    brings it back.
    """
    site, inventory = survey.worker_context.site, draft.inventory
    left_out = unkept_text(unkept(site, inventory))
    if not raises_system(draft.steps):
        return (left_out,) if left_out else ()
    copied = copied_text(copied_while_written(site, inventory))
    lost, unsure = phrase("This recovery does not bring them back."), phrase("Such a copy may not start.")
    return tuple(sentences(said, so) for said, so in ((left_out, lost), (copied, unsure)) if said)


def _not_seen_to_work(survey: Survey, draft: Plan) -> tuple[str, ...]:
    """Of data that an undo brings back, by the plan that put it aside, as this worker sealed it. What another undo put
    aside had passed its checks.
    """
    names = kept_by(draft.steps)
    if act_of(draft.steps) is not Act.UNDO or len(names) != 1:
        return ()
    by = require_kept(survey.worker_context.target, draft.runbook, names[0]).run
    sealed = sealed_here(survey.worker_context, by)
    if sealed is not None and (sealed.stakes.sound or sealed.stakes.act is not Act.RESTORE):
        return ()
    return (phrase("The data in {volume} was not seen to work when it was put aside.", volume=names[0]),)


def _unready(survey: Survey, runbook: Runbook, draft: Plan, variables: Mapping[str, Value]) -> tuple[str, ...]:
    """Warnings of `ready_when`. Raises UserError where the plan cannot work."""
    warnings = []
    context = _context(survey, draft)
    for probe in runbook.ready_when:
        finding = _ask(survey, context, probe.probe, fill(probe.with_, variables))
        if finding.passed:
            continue
        if probe.probe in MUST_HOLD:
            raise UserError(
                phrase("Planning {runbook}.", runbook=runbook.runbook),
                phrase(
                    "Not met: {condition}. {found}",
                    condition=PROBES[probe.probe].sentence,
                    found=closed(finding.sentence),
                ),
                phrase(
                    "{todo}, then ask again: {command}",
                    todo=MUST_HOLD[probe.probe],
                    command=AGAIN.get(survey.run.kind, RECOVER),
                ),
            )
        warnings.append(finding.sentence)
    backup = draft.backup
    if backup is not None and is_moment_name(backup.name):  # people have named it, or it is the newest
        return tuple(warnings)
    if backup is not None and not backup.manifest:
        warnings.append(
            phrase("The backup has no manifest: its rows are counted in the copy, not compared with its source.")
        )
    max_age, age = survey.worker_context.configuration.backups.max_age, age_of(survey, backup)
    if age is not None and age > max_age:
        warnings.append(
            phrase(
                "The backup was {age} old at this plan; backups.max_age is {most}.",
                age=duration(age),
                most=duration(max_age),
            )
        )
    return tuple(warnings)


def volumes_taken(survey: Survey, draft: Plan) -> frozenset[str]:
    """Whose data the steps that destroy take, by what their permits will be for."""
    context, subjects = _context(survey, draft), survey.worker_context.registry.subjects
    acts = [step for step in draft.steps if effect_of(step, draft.steps) == "destroy" and step.do in subjects]
    return volumes_in(one for step in acts for one in subjects[step.do or ""](context, step.with_))


def not_needed(survey: Survey, draft: Plan) -> set[str]:
    """Steps whose `when` says no. Raises UserError when it cannot be asked: a gate is not left out by an error."""
    context = _context(survey, draft)
    gone = set()
    for step in draft.steps:
        for probe in step.when:
            try:
                passed = survey.worker_context.registry.probes[probe.probe](context, probe.with_).passed
            except CancelledError:
                raise
            except DrbotError as error:
                raise UserError(
                    phrase("Planning {runbook}.", runbook=draft.runbook),
                    phrase(
                        '{probe} could not be run for "{step}": {why}',
                        probe=probe.probe,
                        step=step.title,
                        why=closed(str(error)),
                    ),
                    phrase("Make it answer, then plan again: /dr recover"),
                ) from error
            if not passed:
                gone.add(step.id)
    return gone


def _ask(survey: Survey, context: StepContext, name: str, given: Mapping[str, Any]) -> Finding:
    try:
        return survey.worker_context.registry.probes[name](context, given)
    except CancelledError:
        raise
    except DrbotError as error:
        return Finding(passed=False, sentence=phrase("{probe} could not be run: {why}", probe=name, why=error))


def _context(survey: Survey, draft: Plan) -> StepContext:
    """Probes of a survey run in a step that only looks."""
    worker_context, run = survey.worker_context, survey.run
    step_log = StepLog(worker_context.home / "logs" / run.id / "survey.log", worker_context.redact)
    return StepContext(
        run=run,
        plan=draft,
        step=Step(id="survey", title="Survey"),
        attempt=1,
        site=worker_context.site,
        configuration=worker_context.configuration,
        clients=worker_context.target.clients,
        facts={},
        cancelled=survey.cancelled,
        progress=unheard,
        log=step_log.line,
        labels={"drbot.incident": str(run.incident), "drbot.run": run.id, "drbot.step": "survey"},
    )


def age_of(survey: Survey, backup: BackupIdentity | None) -> float | None:
    """Seconds from its moment to this plan, by this worker's own clock: when the outage began is said by a row."""
    return rpo_seconds(backup.snapshot_at, survey.worker_context.own.now()) if backup is not None else None
