"""What became of a request, and votes, decisions and answers, in words."""

from collections.abc import Mapping

from drbot.core.text.messages import phrase

WORDS: Mapping[str, str] = {
    "approve": phrase("approve"),
    "deny": phrase("deny"),
    "break-glass": phrase("break-glass"),
    # what people decide about a step, and answer
    "retry": phrase("retry"),
    "done": phrase("done"),
    "undo": phrase("undo"),
    "stop": phrase("stop"),
    "yes": phrase("yes"),
    "no": phrase("no"),
}

REQUEST: Mapping[str, str] = {
    "open": phrase("approval needed"),
    "granted": phrase("approved"),
    "used": phrase("approved and begun"),  # what came of it is told by the run
    "denied": phrase("denied"),
    "withdrawn": phrase("withdrawn"),
    "expired": phrase("expired"),
    "void": phrase("no longer valid"),
    "stopped": phrase("stopped"),
}

WAYS: Mapping[str, str] = {
    # the entry points
    "dialog": phrase("dialog"),
    "terminal": phrase("terminal"),
    "command": phrase("command"),
    "phone": phrase("phone"),
    # the proofs
    "code": phrase("one-time code"),
    "key": phrase("own key"),
    "host": phrase("recovery host"),
}
"""By which way a vote came in, and what showed whose it was."""


def way_of(way: str) -> str:
    """An entry point or a proof; the name of a terminal stays as it is."""
    return WAYS.get(way, way)


def word_of(state: str) -> str:
    """A vote, a decision or an answer; an answer of a runbook of one's own stays as it is."""
    return WORDS.get(state) or str(state)
