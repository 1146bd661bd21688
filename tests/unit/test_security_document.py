"""docs/security.md names only tests that exist, and every attack has its row."""

import re
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]
ATTACKS = ROOT / "tests" / "integration" / "attacks"
ABOUT_THE_TESTS = {"test_two_others_approve_and_it_is_done"}


def names_in(files: Iterable[Path]) -> set[str]:
    return {name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)}


def test_every_test_in_the_document_exists_and_every_attack_is_in_the_document() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "security.md").read_text(encoding="utf-8")))

    assert named - names_in((ROOT / "tests").rglob("test_*.py")) == set()
    assert names_in([ATTACKS / "test_table.py", ATTACKS / "test_more.py"]) - named == ABOUT_THE_TESTS
