"""`phone` and `break-glass`: votes for the night when Slack, or everybody else, is away."""

from dataclasses import replace
from typing import Literal

from drbot.commands.facts.context import CommandContext, incident_of, live_request
from drbot.commands.speech.messages import Reply, Request
from drbot.commands.speech.parser import Words, plain
from drbot.commands.speech.refusal import Refusal
from drbot.commands.verb.approve import ballot_of, typed_seal, vote
from drbot.core.approvals.approval import HOLD_SECONDS, Ballot, EntryPoint
from drbot.core.runs.plan import short_seal
from drbot.core.site.people import Person
from drbot.core.text.messages import duration, phrase


def phone(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """`phone ben approve ABCDE-FGHIJ why`: the operator types what Ben reads from his own machine."""
    with context.database.read() as conn:
        incident = incident_of(conn, request, words)
        asked = live_request(conn, incident, "phone")
    voter = context.roster.person(words.rest[0]) if words.rest else None
    decision = _decision(words.rest[1]) if len(words.rest) > 1 else None
    if voter is None or decision is None or len(words.rest) < 3:
        seal = short_seal(asked.seal)
        raise Refusal(
            phrase("{name}: a vote by phone.", name=incident.name),
            phrase("Say who, the decision and the code they read."),
            phrase(
                "They get it with: drbot dr key code {id} {seal} approve Then: /dr phone {name} ben "
                "approve ABCDE-FGHIJ why",
                id=asked.id,
                seal=seal,
                name=incident.name,
            ),
        )
    ballot = Ballot(
        person=voter.id,
        account=None,
        decision=decision,
        reason=words.after(3) or request.values.get("reason", ""),
        seal=asked.seal,  # the code is bound to it
        target=asked.target,
        entry_point=EntryPoint.PHONE,
        at=request.at,
        typed_by=person.id,
    )
    return vote(context, request, asked.id, ballot, code=words.rest[2])


def break_glass(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """One person on the recovery host; without rule, target and reason it shows the plan and how."""
    values = request.values
    with context.database.read() as conn:
        incident = incident_of(conn, request, words)
        asked = live_request(conn, incident, "break-glass")
    if not all(values.get(name) for name in ("rule", "target", "reason")):
        raise Refusal(
            phrase("{name}: break-glass.", name=incident.name),
            phrase(
                "It overrides a rule, is announced and waits {time}, and is reviewed within a day.",
                time=duration(HOLD_SECONDS),
            ),
            _how(incident.name, asked.target, short_seal(asked.seal)),
        )
    seal = typed_seal(values.get("seal", ""), asked.seal)
    ballot = ballot_of(request, "break-glass", reason=values["reason"], seal=seal, target=values["target"])
    return vote(context, request, asked.id, replace(ballot, rule=values["rule"]))


def _how(name: str, target: str, seal: str) -> str:
    command = (
        f'drbot dr break-glass {name} --target {target} --seal {seal} --rule "two approvers" '
        '--reason "nobody else answers"'
    )
    return phrase("On the recovery host: {command}", command=command)


def _decision(word: str) -> Literal["approve", "deny"] | None:
    typed = plain(word)
    return "approve" if typed == "approve" else "deny" if typed == "deny" else None
