"""What a person at a terminal reads when something could not be done."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from drbot.cli.backup import postgres
from drbot.cli.dr import show
from drbot.cli.terminal import complain, table_of, terminal_language
from drbot.commands.speech.messages import Reply, Table
from drbot.core.base.errors import PermanentError, TemporaryError, UserError
from drbot.core.text.messages import all_of


def test_a_path_in_brackets_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    complain(UserError("Reading /srv/[/bold]/dr.yml.", "There is no such file."))

    assert capsys.readouterr().err == "Reading /srv/[/bold]/dr.yml. There is no such file.\n"


def test_a_command_of_slack_is_said_as_it_is_typed_at_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show(Reply(text="No incident is open. /dr declare opens one: docs/dr is a folder."), "en")
    complain(PermanentError("Plan again: `/dr recover`"))

    said = capsys.readouterr()
    assert said.out == "No incident is open. drbot dr declare opens one: docs/dr is a folder.\n"
    assert said.err == "Plan again: `drbot dr recover`\n"


def test_where_there_is_no_postgresql_the_backup_that_there_is_is_named(tmp_path: Path) -> None:
    (tmp_path / "dr.yml").write_text(
        "{system: shop, sites: {production: {projects: /srv, services: {}}}, backups: {directory: /backups}}\n"
    )

    with pytest.raises(UserError) as refused:
        postgres(config=tmp_path / "dr.yml")

    assert "drbot backup full" in refused.value.todo


def test_a_sentence_is_not_broken_into_lines(capsys: pytest.CaptureFixture[str]) -> None:
    complain(TemporaryError("word " * 60 + "end"))

    assert capsys.readouterr().err.count("\n") == 1


def test_a_letter_that_moves_the_cursor_is_shown_by_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    complain(PermanentError("PostgreSQL says \x1b[2J"))

    assert "\x1b" not in capsys.readouterr().err


def test_a_table_cuts_nothing_of_a_cell_however_narrow_the_terminal_is() -> None:
    long = "r7-20261126-031200_all_databases_20261126_000000_before"
    console = Console(width=40, record=True, file=StringIO())

    table = table_of("kept as", "was")
    table.add_row(long, "postgres_data " * 5)
    console.print(table)

    shown = console.export_text()
    first = "".join(line.split("│")[1].strip() for line in shown.splitlines() if line.startswith("│"))
    assert first == long
    assert shown.count("postgres_data") == 5 and "…" not in shown


def test_what_drbot_dr_shows_is_not_cut(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = "ai-micro-service_postgres_data_before_r7-20261126-031200"

    show(Reply(text="Kept:", tables=(Table(rows=((long, "x" * 30),), header=("Kept as", "Was")),)), "en")

    assert "…" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja_JP.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ja"}, "ja"),
        ({"LANG": "tlh_QO.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_a_terminal_speaks_the_language_of_its_environment_where_drbot_does(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert terminal_language() == language


def test_an_error_is_said_in_the_language_of_whoever_reads_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    error = PermanentError(all_of(["a", "b"]))

    complain(error)
    complain(error, "en")

    said = capsys.readouterr().err.splitlines()
    assert said == ["a と b", "a and b"]
