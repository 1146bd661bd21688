"""A plan for whoever asked for it alone, in tables: what would be replaced, lost and kept, and every step."""

from collections.abc import Iterator

from drbot.commands.speech.messages import Reply, Table
from drbot.commands.views.vote_dialog import backup_text, where_text
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.plan import Plan, is_guard
from drbot.core.runs.stakes import Act, LossKind
from drbot.core.runs.stakes_words import BY, CHANGED, REPLACED, keeps_text, loss_text, replacement_text
from drbot.core.text.messages import duration, lines, listed, phrase, sentences

ONLY_SHOWN: str = phrase("Nothing was opened, nobody was told, and nothing is changed.")


def plan_reply(plan: Plan, found: str) -> Reply:
    """`found`: what the survey found broken; "" = it was told."""
    said = phrase("Plan only: {headline}.", headline=plan.headline or plan.runbook)
    return Reply(
        text=sentences(plan.stakes.sound, said, found, ONLY_SHOWN),
        tables=(Table(rows=tuple(_facts(plan))), _steps(plan)),
    )


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    act = plan.stakes.act
    yield phrase("Where"), where_text(plan.target, plan.engine)
    if act is not Act.NOTHING:
        yield REPLACED.get(act, phrase("Will be replaced")), lines(plan.replaces or ("-",))
        yield BY.get(act, phrase("By")), replacement_text(plan, backup_text(plan))
        yield phrase("Data that will be LOST"), loss_text(plan.stakes.loss)
        yield phrase("Kept to undo with"), keeps_text(plan.keeps)
    elif plan.backup is not None:
        yield phrase("By"), backup_text(plan)
    if act is Act.NOTHING and plan.stakes.loss.kind is not LossKind.NOTHING:
        yield phrase("Data that will be LOST"), loss_text(plan.stakes.loss)
    for line in plan.changed:
        yield CHANGED, line
    for warning in plan.warnings:
        yield phrase("Note"), warning


def _steps(plan: Plan) -> Table:
    rows = tuple((str(number), step.title, _does(plan, step)) for number, step in enumerate(plan.steps, 1))
    return Table(title=phrase("Steps"), header=(phrase("Step"), phrase("What"), phrase("Expected")), rows=rows)


def _does(plan: Plan, step: Step) -> str:
    if step.gate is not None and is_guard(step):
        proofs = listed(one.title for one in plan.steps if one.id in step.gate.proof)
        return phrase("{people} people, after: {steps}", people=step.gate.people, steps=proofs or "-")
    if step.limits is None or step.limits.budget is None:
        return phrase("people")
    return duration(step.limits.budget)
