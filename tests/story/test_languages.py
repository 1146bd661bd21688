"""A whole recovery in a language of strange letters: what still reads English there was forgotten by whoever wrote it.

`SCREENSHOTS=FOLDER` keeps a picture of the incident's channel; `STORY_LANGUAGE=ja` tells the story in that language
(then nothing is compared, for only strange letters show what is left).
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest
from playwright.sync_api import expect
from ruamel.yaml import YAML

from drbot.bot.blocks.elements import escape
from drbot.bot.slack_api.slack import BLOCKS_REFUSED
from drbot.cli.demo_player import HOME_CHANNEL, USERS, DemoPlayer
from drbot.commands.speech.verbs import VERBS
from drbot.core.files.runbook_file import find_runbooks, runbook_folders
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.run import StepState
from drbot.core.site.configuration import load_configuration
from drbot.core.site.people import ACCESS
from drbot.core.site.site import Role
from drbot.core.text import catalogue
from drbot.lab.identity import identity_of
from drbot.lab.system import Lab
from tests.browser import Visit
from tests.pseudo_language import CODE, forget_languages, untranslated, write_language
from tests.story.conftest import Story, begin, heal, own_configuration
from tests.story.demo_stacks import playing_in
from tests.story.everything_said import EverythingSaid
from tests.story.recovering import damage, finish, wait_for_step
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.more]

LANGUAGE = os.environ.get("STORY_LANGUAGE", CODE)
BROKEN, READ, WRONG = "データベースが壊れた", "計画を読んだ", "何か"
"""What people type is in no Latin letter either, so that nothing of theirs has to be told from drbot's."""
only_strange = pytest.mark.skipif(LANGUAGE != CODE, reason="only strange letters show what was left")
WIDE_TERMINAL = {"COLUMNS": "2000"}  # rich folds nothing, and a folded name would look like two words


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What was read in the course of the story: text → where it stood."""

    story: Story
    incident: Incident
    slack: EverythingSaid
    terminal: Mapping[str, str]


def speaking(configuration: Path, language: str) -> None:
    """Channels and people read this language."""
    yaml = YAML()
    document = yaml.load(configuration.read_text())
    document["language"] = language
    for person in document["people"].values():
        person["language"] = language
    with configuration.open("w") as output:
        yaml.dump(document, output)


class Terminal:
    """Somebody's, whose environment asks for no language: each line that it showed, and by which command."""

    def __init__(self, story: Story) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if name != "LANG" and not name.startswith("LC_")},
            **story.stack.environment,
            "DRBOT_CONFIG": str(story.stack.configuration),
            "DRBOT_HOME": str(story.stack.home),
            **WIDE_TERMINAL,
        }
        self.shown: dict[str, str] = {}

    def dr(self, person: str, *words: str) -> None:
        """`drbot dr …`; also a refusal is read."""
        command = [sys.executable, "-P", "-m", "drbot.cli.main", "dr", *words]
        environment = self._environment | {"DRBOT_PERSON": person}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        for line in (done.stdout + done.stderr).splitlines():
            self.shown.setdefault(line, f"drbot dr {' '.join(words)}")


def type_in_slack(story: Story, channel: str, *commands: str) -> None:
    """Aiko asks for something that only shows something, or opens a dialog that she closes again."""
    people = story.stack.people
    for command in commands:
        people.command(USERS["aiko"], channel, f"/dr {command}".strip())
        for view in people.views(USERS["aiko"]):
            people.close_view(USERS["aiko"], view["id"])


def play(story: Story, terminal: Terminal) -> Incident:
    """Declared by one, refused to one, approved by two, recovered, confirmed, resolved."""
    player, people = story.player, story.stack.people
    damage(story)
    type_in_slack(story, HOME_CHANNEL, "", "help", "help declare", "whoami", "list", WRONG, "declare")
    incident = player.declare("aiko", f"level2 {BROKEN}")
    here = incident.channel or ""
    wait_for_step(player, incident, "approval", StepState.WAITING)
    ask_for_votes(player, incident)
    at_terminals(terminal, "menu", "status", "plan", "approve")
    for person in ("ben", "dan"):
        people.open_home(USERS[person])
    for person in ("ben", "chika"):
        player.vote(person, incident, reason=READ)
    type_in_slack(story, here, "status", "plan", "kept", "roster", "timeline", f"update {READ}", "update")
    finish(player, incident)
    at_terminals(terminal, "status", "list", "help", "help declare", "kept", "roster", "whoami", "timeline", WRONG)
    type_in_slack(story, here, "", "status", "list", "resolve", f"resolve {READ}")
    player.wait(lambda: player.incident(incident.id).state is IncidentState.RESOLVED, "the end of the incident")
    people.wait_for_message(here, lambda message: message["files"])
    type_in_slack(story, here, "status", "list all", "report", "kept", "recover")
    at_terminals(terminal, f"report {incident.name}", "list all")
    people.open_home(USERS["aiko"])
    wait_for(lambda: len(people.messages("dr-status")) >= 4, PATIENCE, "the stakeholder posts")
    return incident


def ask_for_votes(player: DemoPlayer, incident: Incident) -> None:
    """Aiko, who asked for it, may not vote; Dan may not stop it; Ben types a wrong name first."""
    player.press_card("aiko", incident)
    player.say("dan", f"/dr stop {READ}", incident.channel or "")
    player.vote("ben", incident, target=WRONG, reason=READ)
    player.stack.people.close_view(USERS["ben"], player.stack.people.views(USERS["ben"])[-1]["id"])


def at_terminals(terminal: Terminal, *commands: str) -> None:
    """What only shows something."""
    for command in commands:
        terminal.dr("ben", *command.split())


def names_of(story: Story) -> Iterator[str]:
    """What is called so by whoever wrote dr.yml and the runbooks, made the data or has to be typed as it is."""
    system = load_configuration(story.stack.configuration).configuration
    yield system.system
    yield f"drlab-{identity_of(story.lab.home)}"  # six random letters of a hash, in some labs without a digit
    for name, site in system.sites.items():
        yield from (name, site.title, str(site.projects), site.docker.host or "", *site.files)
        for service, one in site.services.items():
            yield from (service, one.title, one.project, one.service)
        for store in (site.postgres, site.redis):
            yield store.volume if store else ""
    yield from system.people
    yield from (one.name for one in system.people.values())
    yield from get_args(Role)  # as dr.yml has them
    yield from (
        ", ".join(verb for verb, able in ACCESS.items() if able & set(one.roles)) for one in system.people.values()
    )
    typed = [words for one in VERBS.values() for words in (one.usage, one.example) if words]
    yield from (f"{begin}{words}" for words in (*typed, *map(escape, typed)) for begin in ("", "/dr ", "drbot dr "))
    yield from find_runbooks(runbook_folders(None))


def typed_words_of(story: Story, incident: Incident) -> Iterator[str]:
    """Verbs, and names of steps as runbooks have them and `/dr settle` takes them."""
    yield from VERBS
    for run in story.player.runs(incident):
        yield from (step.id for step in run.plan.steps) if run.plan else ()


@pytest.fixture(scope="module")
def told(story_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """One recovery that all tests of it read."""
    heal(story_lab)
    folder = tmp_path_factory.mktemp("told")
    write_language(folder)
    slack = EverythingSaid()
    slack.language = LANGUAGE
    with in_this_language(folder) as environment:
        configuration = own_configuration(story_lab, folder)
        speaking(configuration, LANGUAGE)
        with playing_in(folder / "home", configuration, environment, state=slack) as player:
            story = Story(stack=player.stack, player=player, lab=story_lab, backups=folder / "backups")
            terminal = Terminal(story)
            incident = play(begin(story), terminal)
            yield Told(story=story, incident=incident, slack=slack, terminal=terminal.shown)


@contextmanager
def in_this_language(folder: Path) -> Iterator[Mapping[str, str]]:
    """Also this process reads dr.yml, which may only name a language that there is."""
    with pytest.MonkeyPatch.context() as own:
        own.setenv(catalogue.OWN, str(folder))
        forget_languages()
        yield {catalogue.OWN: str(folder)}
    forget_languages()


def forgotten(told: Told, read: Mapping[str, str]) -> str:
    """Words that no language has, and the text and the place they stood in."""
    names, values = set(names_of(told.story)), set(typed_words_of(told.story, told.incident))
    found = {text: untranslated(text, names, values) for text in read}
    return "\n".join(f"{words} in {read[text]}: {text.strip()[:300]}" for text, words in found.items() if words)


@only_strange
def test_slack_shows_no_word_that_nobody_can_translate(told: Told) -> None:
    refused = [call for call in told.story.stack.people.calls() if call["error"] in BLOCKS_REFUSED]
    assert not refused, "longer words must fit too"
    places = {"#dr-ops", "#dr-status", "#direct message", "a dialog of U00BEN", "Home of U00BEN", "Home of U00DAN"}
    assert places <= set(told.slack.said.values())

    assert forgotten(told, told.slack.said) == ""


@only_strange
def test_a_terminal_shows_none_either(told: Told) -> None:
    assert len(told.terminal) > 100

    assert forgotten(told, told.terminal) == ""


@only_strange
def test_the_report_has_none(told: Told) -> None:
    (message,) = [one for one in told.story.player.messages(told.incident) if one["files"]]
    report = told.story.stack.people.file(message["files"][0]).decode()

    assert forgotten(told, dict.fromkeys(report.replace("\\_", "_").splitlines(), "the report")) == ""


def test_the_channel_is_laid_out_in_long_words(told: Told, visit: Visit) -> None:
    page = visit(told.story.stack.simulator.url, "aiko", width=1440, height=900)
    page.locator(f"#sidebar [data-channel='{told.incident.channel_name}']").click()
    expect(page.locator("#messages .message.pinned").first).to_be_visible()

    too_wide = page.locator("#messages").evaluate("node => node.scrollWidth - node.clientWidth")
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        height = page.locator("#scroller").evaluate("node => node.scrollHeight")
        page.set_viewport_size({"width": 1440, "height": height + 300})
        page.screenshot(path=Path(folder) / f"channel.{LANGUAGE}.png")

    assert too_wide <= 0
