"""`drbot audit` where there is nothing to read: it says so and makes nothing."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from drbot.cli.audit import audit_app
from drbot.core.base.errors import UserError


@pytest.mark.parametrize("verb", ["verify", "export"])
def test_without_a_state_it_is_said_and_none_is_made(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    ended = CliRunner().invoke(audit_app, [verb, "--home", str(tmp_path)])

    assert isinstance(ended.exception, UserError)
    assert str(tmp_path / "state.db") in ended.exception.why
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_is_not_there_is_said(tmp_path: Path) -> None:
    ended = CliRunner().invoke(audit_app, ["verify", str(tmp_path / "ledger.jsonl")])

    assert isinstance(ended.exception, UserError)
    assert ended.exception.why == "It cannot be read: No such file or directory."
