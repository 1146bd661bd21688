"""`drbot runbook` in a terminal."""

from pathlib import Path

from typer.testing import CliRunner

from drbot.cli.runbook import runbook_app


def test_the_terminal_checks_every_runbook_and_shows_one() -> None:
    assert CliRunner().invoke(runbook_app, ["check"]).exit_code == 0
    shown = CliRunner().invoke(runbook_app, ["show", "level2-postgres"])
    assert "2 people must approve swap" in shown.output


def test_the_terminal_ends_with_an_error_for_a_runbook_that_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text("runbook: mine\ntitel: {en: Mine}\n", encoding="utf-8")

    checked = CliRunner().invoke(runbook_app, ["check", str(path)])

    assert checked.exit_code == 1
    assert 'mine.yml:2: unknown key "titel". Did you mean "title"?' in checked.output
