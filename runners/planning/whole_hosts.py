"""What a plan puts aside of a whole host, and what comes back to it or is given up."""

from drbot.core.base.errors import UserError
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan
from drbot.core.runs.stakes import aside_by
from drbot.core.site.occupants import Moved, Occupant, OccupantKind, aside_suffix, names_of, returning
from drbot.core.text.messages import listed, phrase
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.sealed_plans import sealed_here
from drbot.runners.planning.survey_questions import Survey


def of(survey: Survey, draft: Plan) -> dict[str, tuple[Occupant, ...]]:
    """The parts of the plan that say so. Raises UserError when nothing is there to come back or to give up."""
    earlier = aside_by(draft.steps)
    sealed = sealed_here(survey.worker_context, earlier) if earlier else None
    wanted = _moved(survey.worker_context, earlier, sealed) if earlier else Moved()
    found = {}
    for step in draft.steps:
        if step.do == "host.set_aside":
            _require_known_suffix(draft, step)
            found["occupants"] = _occupants(survey, draft, step, wanted)
    if not earlier:
        return found
    returns = any(step.do == "host.put_back" for step in draft.steps)
    later = _later(survey.worker_context, sealed) if returns else []
    aside = returning(wanted, later, found.get("occupants", ()))
    if not aside:
        raise UserError(
            phrase("Planning {runbook}.", runbook=draft.runbook),
            phrase("Nothing that {run} put aside is on this host.", run=earlier),
            phrase("See: /dr kept"),
        )
    return found | {"aside": aside}


def _occupants(survey: Survey, draft: Plan, step: Step, wanted: Moved) -> tuple[Occupant, ...]:
    """Also what the earlier run was to put aside and never did, though only its backup named it."""
    named = draft.backup.holds.mounts if draft.backup else ()
    mounted = (*named, *names_of(wanted.meant, OccupantKind.VOLUME))
    return survey.worker_context.target.occupants(survey.run.id, str(step.with_["keeper"]), mounted, survey.cancelled)


def _moved(worker_context: WorkerContext, run: str, sealed: Plan | None) -> Moved:
    """A container that is not the one of its plan is none of its work, whatever its labels say."""
    kept = worker_context.target.put_aside(run)
    if sealed is None:
        return Moved(kept=kept)
    known = {one.key for one in sealed.occupants}
    return Moved(
        meant=sealed.occupants,
        kept=tuple(one for one in kept if one.kind is not OccupantKind.CONTAINER or one.key in known),
    )


def _later(worker_context: WorkerContext, earlier: Plan | None) -> list[Moved]:
    """Runs after that one that were to clear this host of the same things, oldest first: by what this worker noted
    itself and by their seals, for rows may leave one out, or turn their order round.
    """
    if earlier is None:
        return []
    wanted = {one.key for one in earlier.occupants}
    plans = (sealed_here(worker_context, run) for run in _clearing(worker_context))
    later = [
        one
        for one in plans
        if one is not None and one.surveyed_at > earlier.surveyed_at and any(it.key in wanted for it in one.occupants)
    ]
    return [_moved(worker_context, one.run, one) for one in sorted(later, key=lambda one: one.surveyed_at)]


def _clearing(worker_context: WorkerContext) -> list[str]:
    """The runs of this host that began to put something of it aside."""
    known = worker_context.own.runs()
    return [name for name, run in known if any(step.does == "host.set_aside" for step in run.steps.values())]


def given_up(draft: Plan) -> tuple[Occupant, ...]:
    """What of the earlier run's is deleted for good."""
    return draft.aside if any(step.do == "host.give_up" for step in draft.steps) else ()


def warnings(survey: Survey, draft: Plan) -> tuple[str, ...]:
    """What of the host an undo does not bring back, as far as that can be known."""
    earlier = aside_by(draft.steps)
    if not earlier or not any(step.do == "host.put_back" for step in draft.steps):
        return ()
    sealed = sealed_here(survey.worker_context, earlier)
    if sealed is None:
        return (
            phrase(
                "The plan of {run} is not known here any more: of that host only what {run} has put aside comes back.",
                run=earlier,
            ),
        )
    known = survey.worker_context.own.runs()
    mine = {name for name, run in known if run.incident == survey.run.incident} & {*_clearing(survey.worker_context)}
    lost = sorted(run for run in mine if sealed_here(survey.worker_context, run) is None)
    return (*_gone(sealed, draft), *_unknown(lost))


def _gone(earlier: Plan, draft: Plan) -> tuple[str, ...]:
    back = {one.key[:2] for one in draft.aside}
    names = [one.name for one in earlier.occupants if one.key[:2] not in back]
    if not names:
        return ()
    return (
        phrase(
            "These were on the host before {run}. They are not found among what is kept and do not come back: {names}",
            run=earlier.run,
            names=listed(names),
        ),
    )


def _unknown(runs: list[str]) -> tuple[str, ...]:
    if not runs:
        return ()
    return (
        phrase(
            "What {runs} put aside of this host does not come back with the rest: their plans are not known here any "
            "more. See: /dr kept",
            runs=listed(runs),
        ),
    )


def _require_known_suffix(draft: Plan, step: Step) -> None:
    """Raises UserError for another one: what is kept under it nobody would find again."""
    wanted, given = aside_suffix(draft.run), step.with_["keeper"]
    if given != wanted:
        raise UserError(
            phrase("Planning {runbook}.", runbook=draft.runbook),
            phrase('"{step}" keeps a host under …{keeper}; it would not be found again.', step=step.id, keeper=given),
            phrase("Write {keeper}, then plan again: /dr recover", keeper='keeper: "_before_${run.id}"'),
        )
