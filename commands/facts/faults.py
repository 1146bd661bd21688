"""What is wrong with dr.yml, shown on every surface while gates are closed."""

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Table
from drbot.core.ledger.policy import document_of, hash_of, roster_seal
from drbot.core.text.messages import phrase
from drbot.store.base.reading import left_out

LEFT_OUT: str = phrase(
    "Some of drbot's own records cannot be read and are left out, also here: something else than drbot has written "
    "them. Its log names the tables."
)


def faults_of(context: CommandContext) -> tuple[str, ...]:
    """Every fault once: of the file, and of a roster that can never reach the quorum."""
    rows = LEFT_OUT if left_out().is_lately() else None
    found = (*context.faults, context.roster.fault, context.ledger.fault(), rows, proposal_of(context))
    return tuple(dict.fromkeys(fault for fault in found if fault))


def proposal_of(context: CommandContext) -> str | None:
    """dr.yml says something else than what two approvers accepted: everybody may know."""
    policy = context.rosters.policy
    if policy is None or context.faults:
        return None
    proposed = hash_of(document_of(context.configuration))
    if proposed == policy.hash:
        return None
    return phrase(
        "dr.yml proposes another roster or policy, seal {seal}. What was accepted before is in force until two "
        "approvers agree: /dr roster",
        seal=roster_seal(proposed),
    )


def fault_tables(context: CommandContext) -> tuple[Table, ...]:
    faults = faults_of(context)
    if not faults:
        return ()
    closed = context.voters().fault is not None
    title = phrase("dr.yml has problems; no gate can open") if closed else phrase("The configuration has problems")
    return (Table(rows=tuple((fault,) for fault in faults), title=title),)
