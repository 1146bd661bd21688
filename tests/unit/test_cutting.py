"""Nothing that people read ends in the middle without saying so: one function cuts, and nobody else does."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drbot.core.text.words import cut, ending

ROOT = Path(__file__).parents[2] / "drbot"
PACKAGES = ("bot", "cli", "commands", "core", "listening", "runners", "store")
LONG = 20  # a bound below it takes some entries of a list, or a letter

ALLOWED = {
    ("bot/outbound/event_batch.py", "hash[:HEAD_LETTERS]"): "the short form of a hash",
    ("bot/outbound/readiness_posts.py", "lines[:MOST]"): "whole lines; the others are counted",
    ("bot/outbound/event_batch.py", "lines[-LINES_SHOWN:]"): "whole lines; the others are counted and in the file",
    ("bot/outbound/event_batch.py", "paragraphs(shown)[-PARAGRAPHS:]"): "whole paragraphs of the same",
    (
        "core/site/occupants.py",
        "tag[:TAG_LETTERS - 13]",
    ): "an image's tag, which Docker bounds; a digest keeps it apart",
    ("bot/outbound/incident_channel.py", "ids[:INVITED]"): "as many as one call takes",
    ("bot/outbound/incident_channel.py", "first[:76]"): "a channel's name, which Slack bounds",
    ("bot/blocks/home.py", "situations[:MOST]"): "whole incidents",
    ("bot/blocks/lines.py", "[-TAIL_LINES:]"): "whole lines; the log is a file in the thread",
    ("bot/blocks/forms.py", "paragraphs[:SECTIONS]"): "whole paragraphs, with … behind them",
    ("bot/blocks/plan.py", "steps[:TASKS]"): "as many tasks as Slack takes",
    ("bot/blocks/plan.py", "told[:WARNINGS]"): "whole warnings; how many more there are is said",
    ("bot/blocks/elements.py", "short[:BUTTONS_OF_A_ROW]"): "whole buttons",
    ("bot/blocks/reply.py", "pages[:MOST_PAGES]"): "whole messages; all of it is in a file",
    ("bot/blocks/reply.py", "pages[1 - MOST_PAGES:]"): "whole messages; all of it is in a file",
    ("commands/facts/data_named.py", "found[:CHOICES]"): "whole buttons",
    ("commands/facts/data_named.py", "site.files[:CHOICES]"): "whole buttons",
    ("bot/blocks/dialogs.py", "[:100]"): "whole options, as many as Slack takes",
    ("bot/blocks/dialogs.py", "value[:150]"): "an identifier that comes back, no text",
    ("core/runs/incident.py", "[:40]"): "a part of a channel's name",
    ("core/text/words.py", "text[:limit - 1]"): "cut itself",
    ("core/text/words.py", "text[1 - limit:]"): "ending itself",
    ("core/text/words.py", "name[:limit - end - 1]"): "a name's begin, with … and its end behind it",
    ("core/runs/proof.py", "tables[:_NAMED]"): "whole names; the others are counted",
    ("runners/clients/dump.py", "[-_KEPT:]"): "bytes of a stream",
    ("runners/clients/restic_words.py", "self.errors[:NAMED]"): "whole errors of a program",
    ("runners/clients/restic.py", "names[start:start + NAMES_AT_ONCE]"): "options of a program, all of them by turns",
    ("runners/clients/dump_execution.py", "data[-len(_CREATE_DATABASE) + 1:]"): "bytes of a stream",
    ("core/base/signing.py", "raw[:BYTES]"): "bytes of a key",
    ("core/base/signing.py", "raw[BYTES:]"): "bytes of a message",
    ("core/base/signing.py", "[:PHONE_LETTERS]"): "the letters of a code",
    ("runners/own_state/state_copies.py", "found[KEPT:]"): "files that are too many",
    ("runners/own_state/state_bucket.py", "ledger[:LEDGER_LETTERS]"): "a folder's name",
    ("runners/own_state/bootstrap.py", "(final or doubts)[:NAMED]"): "whole sentences, one for each copy",
    ("runners/own_state/bootstrap.py", "list(passed_over)[:NAMED]"): "whole sentences; how many more there are is said",
    ("core/ledger/statements.py", "digest[:HEAD_LETTERS]"): "the short form of a hash",
    (
        "store/records/stored_backups.py",
        "sorted(found, key=lambda one: one.moment, reverse=True)[:MOST]",
    ): "whole backups, the newest",
    ("store/records/steps.py", "times[:LAST_TIMES]"): "times of a step, the newest",
    ("commands/verb/drill.py", "known[:SHOWN]"): "whole drills, the newest",
    ("commands/views/drill_trend.py", "[:MOST]"): "whole drills, the newest; the document says how many",
    ("commands/views/timeline_view.py", "list(moments)[:BUTTONS]"): "whole buttons; the rows have all",
    ("runners/backups/wal_timeline.py", "run[-max(1, int(done * SHARE)):]"): "whole segments; what is left is said",
    ("commands/verb/backups.py", "groups[:SHOWN]"): "whole rows; how many more there are is said",
    ("bot/blocks/alerts.py", "(group.firing or group.alerts)[:NAMED]"): "whole alerts, the first",
    ("bot/blocks/alerts.py", "ordered[:LINES]"): "whole alerts; the others are counted",
    ("bot/blocks/alerts.py", "lines[at:at + LINES_OF_A_SECTION]"): "whole lines, all of them by turns",
    ("commands/verb/alerts.py", "there[(page - 1) * PAGE:page * PAGE]"): "a page; a button shows the next",
    ("commands/views/alert_view.py", "[:READ_LETTERS]"): "the short form of a hash",
    ("listening/alerts_in.py", "sorted(came, key=rank)[:MOST_ALERTS]"): "whole alerts; the others are counted",
    ("listening/alerts_in.py", "(end + chunk)[-END_BYTES:]"): "bytes of a stream",
    ("commands/views/vote_dialog.py", "dialog.changed[:MOST]"): "differences; how many more there are is said",
    ("runners/second_factor/guessing.py", "[1 - MOST_PLACES:]"): "places that were longest quiet",
    ("runners/foundation/own_proofs.py", "[-MOST:]"): "proofs of backups that are long gone",
    ("runners/execution/step_log.py", "text[:2 * LINE_LIMIT]"): "so much is masked; what is shown of it is cut",
    ("runners/clients/web.py", "body[:MOST_BYTES]"): "bytes of an answer, as many as are asked for",
    ("runners/clients/hijacked.py", "view[:PIECE]"): "bytes of a stream",
    ("runners/clients/hijacked.py", "8 + length]"): "bytes of a frame",
    ("runners/clients/streams.py", "kept[:-KEPT_OUTPUT]"): "bytes of a stream",
    ("runners/clients/streams.py", "errors[:-KEPT_OUTPUT]"): "bytes of a stream",
    ("runners/clients/docker_engine.py", "[-LONGEST_LOG_BYTES:]"): "bytes of a log, into a file",
    ("runners/clients/restic_helper.py", "kept[:-KEPT_LINES]"): "whole lines of a program, the last ones that it wrote",
    ("runners/clients/restic_helper.py", "kept[-KEPT_LINES:]"): "the same",
}


def slices() -> Iterator[tuple[str, str]]:
    """Every `…[a:b]` with a long bound or a named one: the places where a text could lose its end."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Subscript) and is_long_slice(node.slice):
                    yield str(path.relative_to(ROOT)), ast.unparse(node)


def is_long_slice(part: ast.expr) -> bool:
    return isinstance(part, ast.Slice) and any(is_long(bound) for bound in (part.lower, part.upper))


def is_long(bound: ast.expr | None) -> bool:
    names = [part.id for part in ast.walk(bound) if isinstance(part, ast.Name)] if bound else []
    numbers = [part.value for part in ast.walk(bound) if isinstance(part, ast.Constant)] if bound else []
    is_limit = any(name.isupper() or name in {"limit", "longest", "length"} for name in names)
    return is_limit or any(isinstance(number, int) and number >= LONG for number in numbers)


def test_only_one_function_cuts_a_text_for_people() -> None:
    found = list(slices())
    unknown = [(path, code) for path, code in found if not any(path == p and code.endswith(c) for p, c in ALLOWED)]

    assert len(found) > 15  # the search finds something at all
    assert unknown == [], "cut it with core.words.cut or ending, or say here why it is no text for people"


@given(st.text(max_size=200), st.integers(min_value=2, max_value=120))
def test_a_text_fits_and_says_what_it_lost(text: str, limit: int) -> None:
    for shown in (cut(text, limit), ending(text, limit)):
        assert len(shown) <= limit
        assert shown == text if len(text) <= limit else "…" in shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("PostgreSQL does not start", 20, "PostgreSQL does not…"),
        ("PostgreSQL does not start", 21, "PostgreSQL does not…"),
        ("a &amp;&amp; b", 6, "a…"),
        ("データベースが起動しない", 6, "データベー…"),
        ("x" * 100, 10, "x" * 9 + "…"),
    ],
)
def test_a_cut_comes_at_a_word_where_there_are_words(text: str, limit: int, shown: str) -> None:
    assert cut(text, limit) == shown


def test_the_end_of_an_output_begins_at_a_word() -> None:
    assert ending("could not open file: permission denied", 20) == "…permission denied"
