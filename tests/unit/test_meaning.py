"""Nothing that code decides by is read out of a sentence: meaning stands in columns and enums.

People type sentences, drbot words them anew, translations change them. Each of these once let a few typed words
remove a proven copy or silence a question.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2] / "drbot"
ROOMS = ("core", "store", "listening", "runners", "bot", "commands")

SENTENCES = frozenset({"payload", "outcome", "summary", "why", "stop_requested", "question", "reason", "sentence"})
"""Names, attributes and keys that hold words for people, or an event's payload."""

OF_RECORDS = SENTENCES | {"finding"}
"""The same as attributes and keys; a `finding` by itself is a probe's answer with facts."""

LOOKS = frozenset({"startswith", "endswith", "find", "index", "removeprefix", "partition", "split", "splitlines"})
MATCHES = frozenset({"match", "search", "fullmatch"})

ALLOWED = {
    # What is shown, never what is done.
    ("bot/blocks/lines.py", "milestone"): "a refusal of the survey was told by an event of its own already",
    ("commands/views/event_lines.py", "once"): "a part of a sentence is not shown twice",
    ("commands/views/event_lines.py", "line_of"): "one line instead of several",
    ("core/text/messages.py", "closed"): "whether it has a full stop yet",
    ("runners/execution/attempt.py", "_summary"): "a sentence is not said twice",
    ("bot/outbound/calls.py", "called"): "whether the event is about a request, by its key",
    ("runners/own_state/state_copies.py", "_name_key"): "whether the ledger names a key already",
    ("bot/outbound/calls.py", "_is_told"): "whether the event is one that was told before, by its keys",
    ("bot/blocks/lines.py", "_next_backup"): "whether the event names a backup to show",
}

READERS = frozenset(
    {
        "bot/outbound/publisher.py",  # shows the ledger
        "bot/scheduled/due_posts.py",  # events as they come; what is due stands in `schedules`
        "commands/views/incident_view.py",
        "commands/verb/report.py",
        "commands/views/event_lines.py",
        "runners/own_state/adopting.py",  # after the loss of the host the ledger vouches for the seals
        "runners/own_state/ledger_anchor.py",  # copies the ledger as it is
        "runners/own_state/state_copies.py",
        "store/copies.py",
        "store/base/database.py",  # writes it
        "store/base/ledger_check.py",  # whether it is whole
        "store/records/rosters.py",  # what two people signed is the ledger's own
    }
)
"""What may read events at all. Everything else decides by rows."""


def files() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def is_sentence(node: ast.AST) -> bool:
    """Something in this expression holds words for people."""
    return any(map(_holds_words, ast.walk(node)))


def _holds_words(part: ast.AST) -> bool:
    if isinstance(part, ast.Attribute):
        return part.attr in OF_RECORDS
    if isinstance(part, ast.Name):
        return part.id in SENTENCES
    is_key = isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Constant)
    return is_key and part.slice.value in OF_RECORDS  # type: ignore[attr-defined]


def is_decision(node: ast.AST) -> bool:
    """Compares or takes apart a sentence. Whether there is one at all is no decision by its words."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in LOOKS:
            return is_sentence(node.func.value)
        return node.func.attr in MATCHES and any(map(is_sentence, node.args))
    if not isinstance(node, ast.Compare) or any(isinstance(operator, ast.Is | ast.IsNot) for operator in node.ops):
        return False
    if any(isinstance(operator, ast.In | ast.NotIn) for operator in node.ops):
        return any(map(is_sentence, node.comparators))
    sides = [node.left, *node.comparators]
    return any(map(is_sentence, sides)) and any(isinstance(side, ast.Constant) and side.value for side in sides)


def decisions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Function and line of each."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if is_decision(node):
                    yield function.name, node.lineno  # type: ignore[attr-defined]


def test_no_decision_is_read_out_of_a_sentence() -> None:
    found = {
        (path, name): line for path, tree in files() for name, line in decisions(tree) if (path, name) not in ALLOWED
    }

    assert found == {}


def test_the_search_finds_what_it_is_for() -> None:
    once = (
        'def f():\n    return (run.stop_requested or "").startswith(DISCARDED)',
        'def f():\n    return any(str(event.payload.get("text", "")).startswith(intro) for event in events)',
        'def f():\n    told = "finding" in event.payload',
        'def f():\n    return run.outcome == "Every check passed."',
        'def f():\n    return re.search("gone", record.summary)',
        'def f():\n    return "not known" in said["why"]',
    )

    assert [name for source in once for name, _ in decisions(ast.parse(source))] == ["f"] * len(once)


def test_only_what_shows_or_copies_the_ledger_reads_events() -> None:
    readers = {
        path
        for path, tree in files()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module == "drbot.store"
        and "ledger" in {n.name for n in node.names}
    }

    assert readers <= READERS
