"""The approval card: its own message, wakes the approvers, drawn again at every vote, no live buttons once final."""

from collections.abc import Mapping

from drbot.bot.blocks.elements import Block, choice_buttons, context, escape, header, mention, one_line, section
from drbot.bot.blocks.tables import whole_table
from drbot.commands.speech.state_texts import REQUEST, titled
from drbot.commands.views.incident_view import IncidentView
from drbot.commands.views.shown_actions import Place, actions_at
from drbot.commands.views.vote_dialog import dialog_from, table_of
from drbot.core.approval import ApprovalRequest, RequestState, Vote, standing
from drbot.core.plan import short_seal
from drbot.core.stakes_words import ACTS
from drbot.core.too_few import eligible, too_few
from drbot.core.words import Text, clock, say

TITLE: Text = {"en": "{state} on {target}: {act}", "ja": "{state} ({target}): {act}"}
NOT_DONE: Text = {
    "en": "By this request nothing of the following is carried out.",
    "ja": "この依頼では、以下の内容は実施されません。",
}
"""The facts below speak of what is to come; a request that ended without being used brings nothing of it."""
NEEDED: Text = {
    "en": "{people}: please read this, then approve or deny. {have} of {need} so far.",
    "ja": "{people} さん: 内容を確認し、承認または却下してください。現在 {have}/{need}",
}
NOBODY_LEFT: Text = {
    "en": "Nobody is left whose vote would count and who has not voted. {have} of {need} so far.",
    "ja": "投票できる承認者が残っていません。現在 {have}/{need}",
}
START_BY: Text = {
    "en": "Starts by {when}, or the approval lapses.",
    "ja": "{when} までに開始しない場合、承認は失効します。",
}
COUNT: Text = {"en": "{have} of {need} approvals", "ja": "承認 {have}/{need}"}
INCLUDED: Text = {"en": ", requester included", "ja": " (依頼者を含む)"}
VOTED: Mapping[str, str] = {"approve": ":white_check_mark:", "deny": ":no_entry:", "break-glass": ":rotating_light:"}
HELD: Text = {
    "en": ":rotating_light: *BREAK-GLASS*: it starts after {when} unless one approver presses Deny.",
    "ja": ":rotating_light: *緊急単独実行*: {when} 以降に開始します。承認者一人の却下で中止できます。",
}


def approval_card(situation: IncidentView, *, is_current: bool) -> list[Block]:
    """The blocks of the card of `situation.request`; only the incident's current request has buttons."""
    request, votes, language = situation.request, situation.votes, situation.language
    assert request is not None
    blocks = [header(_title(situation, request))]
    if request.state is RequestState.OPEN:
        blocks.append(section(_call(situation, request, votes)))
    elif request.state not in {RequestState.GRANTED, RequestState.USED}:
        blocks.append(section(say(NOT_DONE, language)))
    blocks += _facts(situation, request, votes)
    if request.hold_until is not None and request.state is RequestState.OPEN:
        blocks.append(section(say(HELD, language, when=clock(request.hold_until))))
    if votes:
        blocks.append(section("\n".join(_vote_lines(situation, votes))))
    if request.state is RequestState.GRANTED and request.start_by is not None:
        blocks.append(section(say(START_BY, language, when=clock(request.start_by))))
    if is_current:
        blocks += choice_buttons(actions_at(situation, Place.CARD), language)
    seal = f"`{short_seal(request.seal)}` · {escape(request.id)}"
    return [*blocks, context(f"{seal} · {_count(situation, request, votes)}")]


def card_sentence(situation: IncidentView) -> str:
    """The card in a sentence, with the mentions that wake the approvers."""
    request, votes = situation.request, situation.votes
    assert request is not None
    title = one_line(_title(situation, request))
    is_open = request.state is RequestState.OPEN
    rest = _call(situation, request, votes) if is_open else _count(situation, request, votes)
    return f"{situation.incident.name}: {title}. {rest}"


def _title(situation: IncidentView, request: ApprovalRequest) -> str:
    language = situation.language
    state = say(titled(REQUEST[request.state]), language)
    return say(TITLE, language, state=state, act=say(ACTS[situation.act], language), target=request.target)


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
    return say(NEEDED if people else NOBODY_LEFT, situation.language, people=people, have=have, need=request.people)


def _count(situation: IncidentView, request: ApprovalRequest, votes: tuple[Vote, ...]) -> str:
    people = standing(request, votes, situation.roster)
    words = say(COUNT, situation.language, have=len(people), need=request.people)
    included = request.requester_counts and people & set(request.requesters)
    return words + (say(INCLUDED, situation.language) if included else "")


def _vote_lines(situation: IncidentView, votes: tuple[Vote, ...]) -> list[str]:
    return [
        f"{VOTED.get(vote.decision, '')} {one_line(situation.roster.name_of(vote.person))}, {clock(vote.at)}: "
        + one_line(vote.reason, 300)
        for vote in votes
    ]
