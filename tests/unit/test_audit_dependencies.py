"""`make audit` fails for a known weakness and never because nobody could be asked."""

import json

import pytest

from tests.audit_dependencies import audit

WEAK = {"name": "x", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
GOOD = {"name": "y", "version": "1", "vulns": []}
SKIPPED = {"name": "z", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([GOOD, SKIPPED], 0, "Audited 1 packages against osv: 0 known weaknesses."),
        ([GOOD, WEAK], 1, "x 1: CVE-1, fixed in 2"),
        ([SKIPPED], 0, "NOT audited"),
        ([], 0, "NOT audited"),
    ],
)
def test_what_pip_audit_says_becomes_a_sentence_and_a_code(packages: list[object], code: int, said: str) -> None:
    lines: list[str] = []

    assert audit(lambda service: json.dumps({"dependencies": packages}), lines.append) == code
    assert any(said in line for line in lines)


def test_the_second_database_is_asked_when_the_first_does_not_answer() -> None:
    lines: list[str] = []

    assert audit(lambda s: "" if s == "osv" else json.dumps({"dependencies": [GOOD]}), lines.append) == 0
    assert "against pypi" in lines[0]
