"""What a person at a terminal reads when something could not be done."""

import pytest

from drbot.cli.terminal import complain
from drbot.core.errors import PermanentError, TemporaryError, UserError


def test_a_path_in_brackets_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    complain(UserError("Reading /srv/[/bold]/dr.yml.", "There is no such file."))

    assert capsys.readouterr().err == "Reading /srv/[/bold]/dr.yml. There is no such file.\n"


def test_a_sentence_is_not_broken_into_lines(capsys: pytest.CaptureFixture[str]) -> None:
    complain(TemporaryError("word " * 60 + "end"))

    assert capsys.readouterr().err.count("\n") == 1


def test_a_letter_that_moves_the_cursor_is_shown_by_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    complain(PermanentError("PostgreSQL says \x1b[2J"))

    assert "\x1b" not in capsys.readouterr().err
