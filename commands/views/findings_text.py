"""What a drill or an incident has shown, for its report: the goals and what was reached, the issues, what follows."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from drbot.commands.views.markdown_text import escape, section
from drbot.core.runs.action_item import ActionItem
from drbot.core.runs.drill import Drill
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, StepRecord
from drbot.core.site.people import Roster
from drbot.core.site.site import Targets
from drbot.core.text.messages import closed, duration, phrase, say

GOALS = (phrase("RTO goal"), phrase("Actual RTO")), (phrase("RPO goal"), phrase("Actual RPO"))


def results(incident: Incident, drill: Drill, targets: Targets, language: str) -> str:
    lines: list[str] = []
    figures = ((incident.rto_seconds, targets.rto), (incident.rpo_seconds, targets.rpo))
    for (goal, actual), (measured, target) in zip(GOALS, figures, strict=True):
        lines.append(f"- **{say(goal, language)}**: {say(duration(target), language)}")
        lines.append(f"- **{say(actual, language)}**: {_reached(measured, target, language)}")
    if drill.end is not None:
        lines.append(f"- **{say(phrase('How it went'), language)}**: {say(drill.how, language)}")
    return section(phrase("Results"), language, lines)


def _reached(measured: float | None, target: float, language: str) -> str:
    if measured is None:
        return say(phrase("not measured"), language)
    return f"{say(duration(measured), language)} {'✓' if measured <= target else '✗'}"


def issues(
    incident: Incident, drill: Drill | None, runs: Sequence[Run], steps: Iterable[StepRecord], targets: Targets,
    language: str, lost: str,
) -> str:  # fmt: skip
    """`lost`: what was not brought back; "" for nothing."""
    found = [*([lost] if lost else []), *_missed(incident, targets), *_failed(runs, steps)]
    if drill is not None:
        found += [closed(drill.why)] if drill.why and not found else []
        found += [phrase("Changed in production: {what}.", what=one) for one in drill.production_changes]
        found += [phrase("Left behind: {what}.", what=one) for one in drill.leftovers]
    lines = [f"{number}. {escape(say(one, language))}" for number, one in enumerate(found, 1)]
    none = [say(phrase("None."), language)] if drill is not None else []
    return section(phrase("Issues identified"), language, lines or none)


def _missed(incident: Incident, targets: Targets) -> Iterator[str]:
    if incident.rto_seconds is not None and incident.rto_seconds > targets.rto:
        yield phrase("The RTO goal was missed: it took {time}.", time=duration(incident.rto_seconds))
    if incident.rpo_seconds is not None and incident.rpo_seconds > targets.rpo:
        yield phrase("The RPO goal was missed: data of {time} is lost.", time=duration(incident.rpo_seconds))


def _failed(runs: Sequence[Run], steps: Iterable[StepRecord]) -> Iterator[str]:
    plans = {run.id: run.plan for run in runs}
    for step in steps:
        plan = plans.get(step.run)
        title = plan.title_of(step.id) if plan is not None else step.id
        if step.is_wrong:
            yield phrase("{step}: {why}", step=title, why=closed(step.result))
        elif step.attempt > 1:
            yield phrase("{step}: it took {count} attempts.", step=title, count=step.attempt)


def action_list(name: str, items: Sequence[ActionItem], roster: Roster, today: date, language: str) -> str:
    """Numbered as people name them; how to add one, where there is none."""
    lines = [_item(one, roster, today, language) for one in items]
    how = phrase("None yet. Add one: /dr action {name} add <what> @person YYYY-MM-DD", name=name)
    return section(phrase("Action items"), language, lines or [escape(say(how, language))])


def _item(item: ActionItem, roster: Roster, today: date, language: str) -> str:
    due = phrase("by {due}", due=item.due.isoformat())
    state = phrase("done") if item.is_done else phrase("overdue") if item.is_overdue(today) else due
    sign = "✓ " if item.is_done else "✗ " if item.is_overdue(today) else ""
    said = due if state is due else phrase("{due}, {state}", due=due, state=state)
    owner = escape(roster.name_of(item.owner))
    return f"{item.number}. {sign}{escape(item.text)} (**{owner}**, {say(said, language)})"
