"""The first page of a report, for whoever answers for it: how long, what was lost, who was told when, who approved."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from drbot.commands.views.markdown_text import escape, moment, section
from drbot.core.approvals.approval import ApprovalRequest, RequestState, Vote
from drbot.core.approvals.state_words import way_of
from drbot.core.approvals.terminals import one_terminal, one_terminal_text
from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run, RunKind, RunState, StepRecord, StepState
from drbot.core.runs.stakes import Act, LossKind, aside_by
from drbot.core.runs.stakes_words import loss_text
from drbot.core.site.people import Roster
from drbot.core.text.messages import clauses, duration, listed, phrase, say

NOT_YET: str = phrase("not measured yet")
SHOWS_ALONE = frozenset({RunKind.PLAN, RunKind.DRILL_COPY})
"""What a plan of these would lose is not lost."""

_ACTED = frozenset({StepState.SUCCEEDED, StepState.UNSURE})


def in_short(
    incident: Incident,
    runs: Sequence[Run],
    steps: Sequence[StepRecord],
    requests: Sequence[ApprovalRequest],
    votes: Mapping[str, Sequence[Vote]],
    told_at: Sequence[datetime],
    roster: Roster,
    language: str,
) -> str:
    """`told_at`: when Slack took the posts to stakeholders, oldest first."""
    rows = [
        (phrase("Users were without service"), _without_service(incident)),
        (phrase("Lost"), _lost(incident, runs, steps)),
        (phrase("Stakeholders were told"), _told(told_at)),
        *((phrase("Approved by"), said) for said in _approved(requests, votes, roster)),
    ]
    lines = [f"- **{say(label, language)}**: {escape(say(value, language))}" for label, value in rows]
    return section(phrase("In short"), language, lines)


def _without_service(incident: Incident) -> str:
    if incident.rto_seconds is not None:
        return phrase("{time}, since the outage began", time=duration(incident.rto_seconds))
    if incident.is_repaired or incident.is_open:
        return NOT_YET if incident.is_open else phrase("not measured: a person said that it works")
    return phrase("it was closed without being repaired")


def _lost(incident: Incident, runs: Sequence[Run], steps: Sequence[StepRecord]) -> str:
    """As it was counted before two people voted; of what drbot did not bring back nobody has counted it. Data that was
    replaced is lost whatever people say of it later, but where an undo brought it back.
    """
    shown = [run for run in runs if run.kind not in SHOWS_ALONE]
    done = [run.plan for run in shown if run.plan is not None and _is_carried_out(run, run.plan, steps)]
    if not done:
        return phrase("not known yet") if incident.is_open else phrase("not known: nothing was brought back by drbot")
    failed = {run.id for run in shown if run.state is not RunState.SUCCEEDED}
    said = [_lost_by(plan, done[place + 1 :], failed) for place, plan in enumerate(done)]
    return clauses(one for one in said if one) or phrase("nothing")


def _lost_by(plan: Plan, later: Sequence[Plan], failed: Collection[str]) -> str:
    """`later`: what was carried out since. `failed`: the runs that did not succeed."""
    loss = plan.stakes.loss
    if loss.kind is LossKind.NOTHING:
        return ""
    if _came_back(plan, later):
        back = phrase("what {run} replaced is not lost: an undo brought it back", run=plan.run)
        has_failed = any(other.run in failed and _is_about(other, plan) for other in later)
        return clauses((back, phrase("and with it not every check passed") if has_failed else ""))
    if plan.stakes.act is Act.UNDO and plan.keeps and not _is_given_up(plan, later):
        return phrase("not lost, but put aside by an undo: {what}", what=loss_text(loss))
    return loss_text(loss)


def _came_back(plan: Plan, later: Sequence[Plan]) -> bool:
    """Whether an undo brought back what this one replaced, and was not undone itself."""
    return any(
        other.stakes.act is Act.UNDO and _is_about(other, plan) and not _came_back(other, later[place + 1 :])
        for place, other in enumerate(later)
    )


def _is_given_up(plan: Plan, later: Iterable[Plan]) -> bool:
    return any(other.stakes.act is Act.GIVE_UP and _is_about(other, plan) for other in later)


def _is_about(other: Plan, plan: Plan) -> bool:
    """Whether it takes what this one has put aside."""
    kept = other.stakes.kept
    return aside_by(other.steps) == plan.run or (kept is not None and kept.volume in plan.keeps.names)


def _is_carried_out(run: Run, plan: Plan, steps: Sequence[StepRecord]) -> bool:
    destroying = {step.id for step in plan.steps if step.effect == "destroy"}
    acted = (one.state in _ACTED for one in steps if one.run == run.id and one.id in destroying)
    return run.state is RunState.SUCCEEDED or any(acted)


def _told(at: Sequence[datetime]) -> str:
    if not at:
        return phrase("drbot posted nothing to them")
    if len(at) == 1:
        return moment(at[0])
    return phrase("{count} times, from {first} to {last}", count=len(at), first=moment(at[0]), last=moment(at[-1]))


def _approved(
    requests: Sequence[ApprovalRequest], votes: Mapping[str, Sequence[Vote]], roster: Roster
) -> Iterator[str]:
    """Of each request that was granted: who, and what showed that it was they."""
    for request in requests:
        if request.state not in (RequestState.GRANTED, RequestState.USED):
            continue
        given = [vote for vote in votes.get(request.id, ()) if vote.decision == "approve"]
        said = listed(
            phrase("{person} ({way})", person=roster.name_of(vote.person), way=way_of(_shown(vote))) for vote in given
        )
        shared = one_terminal(given)
        yield clauses([said, one_terminal_text(shared)] if shared else [said])


def _shown(vote: Vote) -> str:
    return vote.attestation.proof.value if vote.attestation else vote.entry_point.value
