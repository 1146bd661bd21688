"""The approval card: its own message, wakes the approvers, drawn again at every vote, no live buttons once final."""

from collections.abc import Mapping

from drbot.bot.blocks.elements import Block, choice_buttons, context, escape, header, mention, one_line, section
from drbot.bot.blocks.tables import whole_table
from drbot.commands.verb.status import STAND_INS_VOTED
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.commands.views.vote_dialog import dialog_from, table_of
from drbot.core.approvals.approval import ApprovalRequest, RequestState, Vote, standing
from drbot.core.approvals.refusals import REFUSALS
from drbot.core.approvals.state_words import REQUEST
from drbot.core.approvals.too_few import eligible, too_few
from drbot.core.runs.plan import short_seal
from drbot.core.runs.stakes_words import ACTS, sound_text
from drbot.core.runs.state_words import titled
from drbot.core.text.messages import filled, phrase, say, sentences
from drbot.core.text.words import clock

TITLE: str = phrase("{state} on {target}: {act}")
NOT_DONE: str = phrase("Nothing below is carried out by this request.")
"""The facts below speak of what is to come; a request that ended without being used brings nothing of it."""
NEEDED: str = phrase("{people}: please read this, then approve or deny. {have} of {need} so far.")
NOBODY_LEFT: str = phrase("Everyone whose vote would count has already voted. {have} of {need} so far.")
START_BY: str = phrase("Starts by {when}, or the approval lapses.")
COUNT: str = phrase("{have} of {need} approvals")
COUNT_WITH_REQUESTER: str = phrase("{have} of {need} approvals, requester included")
CARD: str = phrase("{name}: {title}.")
VOTED: Mapping[str, str] = {"approve": ":white_check_mark:", "deny": ":no_entry:", "break-glass": ":rotating_light:"}
HELD: str = phrase(":rotating_light: *BREAK-GLASS*: it starts after {when} unless one approver presses Deny.")


def approval_card(situation: IncidentView, *, is_current: bool) -> list[Block]:
    """The blocks of the card of `situation.request`; only the incident's current request has buttons."""
    request, votes, language = situation.request, situation.votes, situation.language
    assert request is not None
    if not situation.is_as_sealed:
        reason = section(f":no_entry: {escape(say(REFUSALS['not_as_sealed'], language))}")
        return [header(situation.incident.name), reason, context(escape(request.id))]
    blocks = [header(_title(situation, request))]
    if sound := _sound(situation):
        blocks.append(section(f":warning: {escape(say(sound, language))}"))
    if request.state is RequestState.OPEN:
        blocks.append(section(_call(situation, request, votes)))
    elif request.state not in {RequestState.GRANTED, RequestState.USED}:
        blocks.append(section(say(NOT_DONE, language)))
    blocks += _facts(situation, request, votes)
    if request.hold_until is not None and request.state is RequestState.OPEN:
        blocks.append(section(say(filled(HELD, when=clock(request.hold_until)), language)))
    if votes:
        blocks.append(section("\n".join(_vote_lines(situation, votes))))
    if request.state is RequestState.GRANTED and request.start_by is not None:
        blocks.append(section(say(filled(START_BY, when=clock(request.start_by)), language)))
    if is_current:
        blocks += choice_buttons(actions_at(situation, Place.CARD), language)
    seal = f"`{short_seal(request.seal)}` · {escape(request.id)}"
    return [*blocks, context(f"{seal} · {_count(situation, request, votes)}")]


def card_sentence(situation: IncidentView) -> str:
    """The card in a sentence, with the mentions that wake the approvers."""
    request, votes = situation.request, situation.votes
    assert request is not None
    if not situation.is_as_sealed:
        named = filled(CARD, name=situation.incident.name, title=one_line(situation.incident.title))
        return say(sentences(named, REFUSALS["not_as_sealed"]), situation.language)
    title = one_line(_title(situation, request))
    is_open = request.state is RequestState.OPEN
    rest = _call(situation, request, votes) if is_open else _count(situation, request, votes)
    named = filled(CARD, name=situation.incident.name, title=title)
    return say(sentences(named, _sound(situation), rest), situation.language)


def _sound(situation: IncidentView) -> str:
    """That what is replaced works, where that is asked for."""
    plan = situation.run.plan if situation.run is not None else None
    return sound_text(plan) if plan is not None and situation.act is plan.stakes.act else ""


def _title(situation: IncidentView, request: ApprovalRequest) -> str:
    state = titled(REQUEST[request.state])
    return say(filled(TITLE, state=state, act=ACTS[situation.act], target=request.target), situation.language)


def _facts(situation: IncidentView, request: ApprovalRequest, votes: tuple[Vote, ...]) -> list[Block]:
    run = situation.run
    if run is None or run.plan is None:
        return []
    facts = dialog_from(
        incident=situation.incident,
        plan=run.plan,
        request=request,
        votes=votes,
        steps={record.id: record for record in situation.steps},
        roster=situation.roster,
        clocks=situation.clocks,
    )
    return whole_table(table_of(facts, on_card=True), situation.language)


def _call(situation: IncidentView, request: ApprovalRequest, votes: tuple[Vote, ...]) -> str:
    voted = {vote.person for vote in votes}
    left = [person for person in eligible(request, situation.roster) if person.id not in voted]
    people = " ".join(mention(person) for person in left)
    few = too_few(request, votes, situation.roster)
    if few is not None:
        return f"{people} :warning: {escape(say(few, situation.language))}".lstrip()
    have = len(standing(request, votes, situation.roster))
    return say(
        filled(NEEDED if people else NOBODY_LEFT, people=people, have=have, need=request.people), situation.language
    )


def _count(situation: IncidentView, request: ApprovalRequest, votes: tuple[Vote, ...]) -> str:
    if situation.has_stand_ins:
        return say(STAND_INS_VOTED, situation.language)
    people = standing(request, votes, situation.roster)
    included = request.requester_counts and people & set(request.requesters)
    words = COUNT_WITH_REQUESTER if included else COUNT
    return say(filled(words, have=len(people), need=request.people), situation.language)


def _vote_lines(situation: IncidentView, votes: tuple[Vote, ...]) -> list[str]:
    return [
        f"{VOTED.get(vote.decision, '')} {one_line(situation.roster.name_of(vote.person))}, {clock(vote.at)}: "
        + one_line(vote.reason, 300)
        for vote in votes
    ]
