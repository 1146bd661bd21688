"""What the local Slack's page completes is made of what the help says: one table of verbs for both."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drbot.cli.completions import choices_of, completions
from drbot.commands.speech.parser import parse
from drbot.commands.speech.verbs import VERBS
from drbot.core.text.catalogue import languages
from drbot.core.text.messages import say
from drbot.store.base.database import Database
from tests.integration.store import store_fixture

LEVELS = ["level1", "level2", "level3", "level4"]


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_verb_that_can_be_typed_is_completed_with_its_help(language: str) -> None:
    offered = {one.word: one.about for one in completions(language)}

    assert offered == {verb: say(words.help, language) for verb, words in VERBS.items() if words.usage}


def test_a_word_stands_before_its_usage_as_the_help_has_it() -> None:
    for one in completions("en"):
        assert f"{one.word} {one.usage}".strip() == VERBS[one.word].usage
        assert parse(f"{one.word} {one.usage}").verb == one.word


def test_a_level_is_completed_with_what_it_means() -> None:
    (declare,) = [one for one in completions("en") if one.word == "declare"]

    levels, data = declare.choices
    assert [level.word for level in levels] == LEVELS
    assert levels[3].about == "The data centre is lost"
    assert [one.word for one in data] == ["postgres", "redis", "files", "settings"]


@pytest.mark.parametrize(
    ("usage", "choices"),
    [
        ("", []),
        ("<why>", []),
        ("[accept <seal> [code]]", []),
        ("level1..level4 [service:] [what]", [LEVELS]),
        ("[level1..level4]", [LEVELS]),
        ("retry|give-up", [["retry", "give-up"]]),
        ("<person> approve|deny <code> <why>", [[], ["approve", "deny"]]),
        ("[step] retry|undo", [["retry", "undo"], ["retry", "undo"]]),
        ("[service:|postgres|redis]", [["postgres", "redis"]]),
        ("here|there [now|later]", [["here", "there"], ["now", "later"]]),
    ],
)
def test_a_usage_says_what_there_is_to_choose_from_and_where(usage: str, choices: list[list[str]]) -> None:
    assert choices_of(usage) == choices


def completed(home: Path, line: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_DRBOT_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [Path(sys.executable).with_name("drbot")],
        env={**os.environ, **words, "DRBOT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("drbot rea", ["readiness"]),
        ("drbot dr de", ["declare", "deny"]),
        ("drbot dr declare ", LEVELS),
        ("drbot dr declare level2 p", ["postgres"]),
        ("drbot dr settle DR-7 r", ["retry"]),
        ("drbot backup p", ["postgres", "prove"]),
    ],
)
def test_a_shell_completes_commands_verbs_and_their_words(tmp_path: Path, line: str, offered: list[str]) -> None:
    assert completed(tmp_path / "none", line) == offered
    assert not (tmp_path / "none").exists()


def test_a_shell_completes_open_incidents(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    incident = store_fixture.queued(database).incident
    database.close()

    assert completed(tmp_path, "drbot dr status ") == [f"DR-{incident}"]
