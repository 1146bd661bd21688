"""What was lost already of the data that a backup was made of: what a recovery lost stays lost, however new the backups
are that are made of it. Kept data that an undo brought back lacks what it lacked when it was put aside.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import StepRecord, StepState
from drbot.core.site.inventory import SHOWN, Unkept, unkept
from drbot.core.site.site import Configuration
from drbot.core.text.messages import and_more, phrase

Done = tuple[datetime, Plan, Step]

HOST = frozenset({"host.set_aside", "host.put_back"})
FROM_BACKUP = frozenset({"volume.swap", "postgres.restore", "redis.restore"})
MOVES = HOST | FROM_BACKUP | {"volume.swap_back"}


def raises_system(steps: Iterable[Step]) -> bool:
    """Whether these bring a whole system up from a full backup: then it consists of what the backup says."""
    return any(step.do == "configuration.restore" for step in steps)


def not_brought_back(plans: Iterable[Plan | None], configuration: Configuration) -> tuple[Unkept, ...]:
    """What of a host that was raised from a backup no backup held: it is lost, however new the backup was."""
    raising = (plan for plan in plans if plan is not None and raises_system(plan.steps))
    found = {one.name: one for plan in raising for one in unkept(configuration.site(plan.site), plan.inventory)}
    return tuple(found.values())


def not_brought_back_text(lost: Sequence[Unkept]) -> str:
    """For whoever reads how a recovery went; "" for nothing."""
    names = and_more([one.name for one in lost], SHOWN)
    return phrase("Not brought back, because no backup held it: {names}.", names=names) if lost else ""


def lost_before(moment: datetime, steps: Iterable[Step], earlier: Iterable[tuple[Plan, Iterable[StepRecord]]]) -> float:
    """Seconds that were lost of what these steps replace, as it was at that moment. `earlier`: plans of the same
    incident, at the site whose data it is, and how far their steps are.
    """
    done = sorted(_done(moment, earlier), key=lambda one: one[0])
    named = {_volume(step) for step in steps if step.do in FROM_BACKUP} or {_volume(step) for _, _, step in done}
    return max((_lost(volume, done) for volume in named), default=0.0)


def has_moved(moment: datetime, earlier: Iterable[tuple[Plan, Iterable[StepRecord]]]) -> bool:
    """Whether any of these put other data in place until then."""
    return any(True for _ in _done(moment, earlier))


def _done(moment: datetime, earlier: Iterable[tuple[Plan, Iterable[StepRecord]]]) -> Iterable[Done]:
    """What put other data in place until then, and was not taken back."""
    for plan, records in earlier:
        moves = {step.id: step for step in plan.steps if step.do in MOVES}
        for record in records:
            is_done = record.id in moves and record.state is StepState.SUCCEEDED
            if is_done and record.finished_at is not None and record.finished_at <= moment:
                yield record.finished_at, plan, moves[record.id]


def _lost(volume: str, done: Iterable[Done]) -> float:
    """Move by move: what is put aside lacks what it lacks, and brings that back with it."""
    lost, kept = 0.0, dict[str, float]()
    for _, plan, step in done:
        if step.do not in HOST and _volume(step) != volume:
            continue
        aside, back = _exchanged(plan, step)
        before = lost
        if back:
            lost = kept.get(back, lost)
        elif step.do in FROM_BACKUP and plan.loss_seconds is not None:
            lost = plan.loss_seconds
        if aside:
            kept[aside] = before
    return lost


def _exchanged(plan: Plan, step: Step) -> tuple[str, str]:
    """Where what was in place is kept from now on, and the kept data that came in its place; "" = nothing."""
    given = {name: str(value) for name, value in step.with_.items()}
    if step.do == "volume.swap_back":
        return given["replacement"], given["keeper"]
    if step.do in HOST:
        return (plan.run, "") if step.do == "host.set_aside" else ("", given["aside"])
    return given.get("keeper", ""), ""


def _volume(step: Step) -> str:
    return str(step.with_.get("volume", ""))
