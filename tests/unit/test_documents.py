"""What the documents say is what the code does. A test that fails here prints what should stand there."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from drbot.bot.listeners import routes
from drbot.bot.settings import WHERE
from drbot.commands.speech.verbs import VERBS
from drbot.core.base.errors import UserError
from drbot.core.base.model import Model
from drbot.core.files.runbook_file import PACKAGED, load_runbook
from drbot.core.runbooks.actions import ACTIONS, PROBES
from drbot.core.runbooks.declarations import ActionDeclaration, ProbeDeclaration
from drbot.core.runbooks.runbook import Step
from drbot.core.runbooks.variables import KNOWN
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import (
    Approvals,
    Backups,
    Cadence,
    Channels,
    Configuration,
    PersonEntry,
    Postgres,
    Redis,
    Service,
    Site,
    Targets,
)
from drbot.core.text.messages import say
from drbot.slack_simulator.app import read_manifest
from drbot.slack_simulator.rules import METHODS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MANIFEST = ROOT / "manifest.yml"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
READMES = {"en": ROOT / "README.md", "ja": ROOT / "README.ja.md"}
VERB_HEADS = {"en": "| type | to |", "ja": "| 入力 | すること |"}


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def between(path: Path, marker: str) -> str:
    """What stands between `<!-- marker … -->` and `<!-- /marker -->`."""
    found = re.search(rf"<!-- {marker}\b.*?-->\n(.*?)<!-- /{marker} -->", text_of(path), re.DOTALL)
    assert found, f"{path.name} has no <!-- {marker} -->"
    return found[1].strip()


def require_table(path: Path, marker: str, expected: str) -> None:
    assert between(path, marker) == expected, f"{path.name}, {marker}: this table belongs there:\n\n{expected}\n"


def names_in_first_column(path: Path) -> set[str]:
    """Every name of the first cell of a table row, with or without back-ticks."""
    cells = re.findall(r"^\| ([^|]+) \|", text_of(path), re.MULTILINE)
    return {name.strip(" `") for cell in cells for name in cell.split(",")}


# README


def typed(usage: str) -> str:
    """As a cell of a table: a bar would end it."""
    return f"`{f'/dr {usage}'.strip()}`".replace("|", r"\|")


def named_verbs(language: str) -> list[str]:
    """Those the README names; `/dr help` has them all."""
    return re.findall(r"^\| `/dr ([\w-]+)", between(READMES[language], "verbs"), re.MULTILINE)


def verb_table(language: str) -> str:
    named = [VERBS[verb] for verb in named_verbs(language)]
    rows = [f"| {typed(words.usage)} | {say(words.help, language)} |" for words in named]
    return "\n".join([VERB_HEADS[language], "|---|---|", *rows])


@pytest.mark.parametrize("language", sorted(READMES))
def test_what_the_readme_says_of_a_verb_is_what_the_help_says(language: str) -> None:
    require_table(READMES[language], "verbs", verb_table(language))


def test_the_two_readmes_name_the_same_verbs() -> None:
    assert named_verbs("en") and named_verbs("en") == named_verbs("ja")


def test_the_two_readmes_have_the_same_shape_and_lead_to_each_other() -> None:
    def shape(path: Path) -> tuple[list[str], list[str], list[str]]:
        text = text_of(path)
        headings = re.findall(r"^(#+) ", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
        commands = re.findall(r"^(?:make|drbot) [a-z]\S*(?: [a-z]+)*", text, re.MULTILINE)
        linked = {link.replace(".ja.png", ".png") for link in re.findall(r"\]\((\S+?)\)", text)}
        return headings, commands, sorted(linked - {"README.md", "README.ja.md"})

    assert shape(READMES["ja"]) == shape(READMES["en"])
    assert "](README.ja.md)" in text_of(READMES["en"])
    assert "](README.md)" in text_of(READMES["ja"])


# Links


def links() -> Iterator[tuple[Path, str]]:
    """Relative links of all documents, pictures included."""
    for path in DOCUMENTS:
        for link in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
            if not re.match(r"[a-z]+:", link):
                yield path, link


def anchors(path: Path) -> set[str]:
    """The anchors GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_broken(path: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    return not target.exists() or bool(anchor and anchor not in anchors(target))


def test_every_relative_link_leads_somewhere() -> None:
    assert [f"{path.name}: {link}" for path, link in links() if is_broken(path, link)] == []


# manifest.yml


def called_methods() -> set[str]:
    """Methods of the Web API that bot/ names: `slack.call("chat.update")` or `client.chat_update(…)`."""
    attributes = {method.replace(".", "_"): method for method in METHODS}
    found = set()
    for path in (ROOT / "bot").rglob("*.py"):
        if path.name == "rate_limiter.py":  # a table of rates, no calls
            continue
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in METHODS:
                found.add(node.value)
            elif isinstance(node, ast.Attribute) and node.attr in attributes:
                found.add(attributes[node.attr])
    return found


BEYOND_METHODS: Mapping[str, str] = {
    "commands": "the slash command and the shortcuts",
    "app_mentions:read": "event app_mention",
    "reactions:read": "event reaction_added",
    "chat:write.public": "posts to public channels that nobody invited drbot to",
    "im:history": "find own direct messages after a lost answer",
    "groups:read": "`drbot check` looks whether they are there, private or not",
    "groups:history": "home and status may be private channels",
    "metadata.message:read": "conversations.history with include_all_metadata",
}


def scopes_of(method: str) -> set[str]:
    """Scopes are alternatives by the kind of conversation; what drbot opens are public channels."""
    scopes = METHODS[method].scopes
    public = {scope for scope in scopes if not scope.startswith(("groups:", "im:"))}
    return public or set(scopes)


def test_the_manifest_asks_for_exactly_what_the_bot_uses() -> None:
    needed = {scope for method in called_methods() for scope in scopes_of(method)} | set(BEYOND_METHODS)

    assert read_manifest(MANIFEST).scopes == needed


def test_every_scope_and_event_of_the_manifest_says_why() -> None:
    entries = re.findall(r"^ +- ([a-z_.:]+) *(#.*)?$", text_of(MANIFEST), re.MULTILINE)

    assert {name for name, _ in entries} == read_manifest(MANIFEST).scopes | read_manifest(MANIFEST).events
    assert [name for name, why in entries if not why] == []


def test_the_manifest_delivers_what_the_routing_table_takes() -> None:
    app = read_manifest(MANIFEST)

    assert app.events == {kind for kind, _ in routes.EVENTS}
    assert {command["command"] for command in app.commands} == {command for command, _ in routes.COMMANDS}
    assert {shortcut["callback_id"] for shortcut in app.shortcuts} == {callback for callback, _ in routes.SHORTCUTS}


def test_the_usage_hint_names_real_verbs() -> None:
    (command,) = read_manifest(MANIFEST).commands
    hinted = [part.split()[0] for part in command["usage_hint"].split(" | ")]

    assert hinted and set(hinted) <= set(VERBS)


# docs/configuration.md, docs/slack.md


def yaml_blocks(path: Path) -> list[Any]:
    blocks = re.findall(r"^( *)```yaml\n(.*?)^ *```", text_of(path), re.DOTALL | re.MULTILINE)
    return [YAML(typ="safe").load(block) for _, block in blocks]


def test_the_examples_of_dr_yml_are_good(tmp_path: Path) -> None:
    whole, *parts = yaml_blocks(DOCS / "configuration.md")
    for part in ({}, *parts, *yaml_blocks(DOCS / "slack.md")):
        path = tmp_path / "dr.yml"
        with path.open("w") as output:
            YAML().dump({**whole, **part}, output)

        assert load_configuration(path).faults == ()


EXAMPLES = sorted((DOCS / "examples").glob("*.yml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_a_whole_dr_yml_of_each_kind_of_system_is_good_and_named(path: Path) -> None:
    loaded = load_configuration(path)

    assert loaded.faults == ()
    assert len(loaded.roster.approvers()) == 3
    assert f"(examples/{path.name})" in text_of(DOCS / "configuration.md")


def test_the_examples_show_what_kinds_of_systems_there_are() -> None:
    loaded = {path.stem: load_configuration(path).configuration for path in EXAMPLES}
    sites = {name: one.site() for name, one in loaded.items()}

    assert sites["one-project"].postgres and sites["one-project"].redis
    assert sites["no-redis"].postgres and not sites["no-redis"].redis
    assert not sites["no-postgres"].postgres
    assert all("/" in store.volume for store in sites["bind-mounts"].stores)
    recovery = loaded["two-hosts"].recovery
    assert recovery and loaded["two-hosts"].sites[recovery.site].services == sites["two-hosts"].services


@pytest.mark.parametrize(
    "model",
    [Configuration, Site, Service, Postgres, Redis, Backups, Targets, PersonEntry, Channels, Approvals, Cadence],
)
def test_every_key_of_dr_yml_is_documented(model: type[Model]) -> None:
    words = set(re.findall(r"\w+", text_of(DOCS / "configuration.md")))

    assert model.model_fields.keys() - words == set()


def variables_read() -> set[str]:
    """Names looked up in the environment: `environ["X"]` or `.get("X")` in modules that hold os.environ."""
    found = set(WHERE)
    for package in ("bot", "cli", "commands", "core", "lab", "listening", "runners", "store", "slack_simulator"):
        for path in (ROOT / "drbot" / package).rglob("*.py"):
            text = text_of(path)
            if "os.environ" in text and "ai-micro-service" not in path.parts:
                found.update(re.findall(r'(?:\.get\(|\w\[)"([A-Z][A-Z_]+)"', text))
    return found


def test_every_environment_variable_is_documented_and_no_other() -> None:
    documented = {name for name in names_in_first_column(DOCS / "configuration.md") if name.isupper()}

    assert documented == variables_read()


# docs/dependencies.md


def test_every_dependency_says_why_it_is_there() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    packages = {re.split(r"[\[>=<]", wanted)[0] for wanted in project["dependencies"]}

    assert packages <= names_in_first_column(DOCS / "dependencies.md")


# docs/runbooks.md


def parameters(declared: ActionDeclaration | ProbeDeclaration) -> str:
    return ", ".join(f"[{name}]" if name in declared.optional else name for name in declared.parameters) or "none"


def action_table() -> str:
    rows = [
        f"| `{one.name}` | {say(one.sentence, 'en')} | {parameters(one)} | {one.effect}"
        f"{', interrupts' if one.interrupts else ''}{', brings' if one.brings else ''}{', asks' if one.asks else ''} |"
        for one in ACTIONS.values()
    ]
    return "\n".join(["| action | what it does | with | effect |", "|---|---|---|---|", *rows])


def probe_table() -> str:
    rows = [f"| `{one.name}` | {say(one.sentence, 'en')} | {parameters(one)} |" for one in PROBES.values()]
    return "\n".join(["| probe | passes when | with |", "|---|---|---|", *rows])


def test_every_action_and_probe_is_documented() -> None:
    require_table(DOCS / "runbooks.md", "actions", action_table())
    require_table(DOCS / "runbooks.md", "probes", probe_table())


def test_every_field_of_a_step_and_every_variable_is_documented() -> None:
    documented = names_in_first_column(DOCS / "runbooks.md")
    fields = {field.alias or name for name, field in Step.model_fields.items()}

    assert fields - documented == set()
    assert {f"${{{name}}}" for name in KNOWN} - documented == set()


def test_the_example_of_a_refusal_is_what_the_linter_says(tmp_path: Path) -> None:
    path = tmp_path / "level2-postgres.yml"
    path.write_text(text_of(PACKAGED / path.name).replace("do: backup.check", "do: backup.chek"))

    with pytest.raises(UserError) as refused:
        load_runbook(path)

    sentence = refused.value.why.partition(": ")[2]
    assert sentence and sentence in text_of(DOCS / "runbooks.md")


# docs/levels.md, docs/reliability.md


@pytest.mark.parametrize("name", ["level1-service", "level2-postgres", "level3-host"])
def test_every_step_of_a_level_is_explained(name: str) -> None:
    steps = {step.id for step in load_runbook(PACKAGED / f"{name}.yml").runbook.steps}

    section = text_of(DOCS / "levels.md").split(f"`{name}`")[1].split("\n## ")[0]
    assert steps - set(re.findall(r"`([a-z][a-z0-9-]*)`", section)) == set()


def test_every_test_that_is_named_as_proof_exists() -> None:
    named = {name for path in DOCUMENTS for name in re.findall(r"`(test_\w+)`", text_of(path))}
    sources = "\n".join(text_of(path) for path in (ROOT / "tests").rglob("test_*.py"))

    assert named
    assert {name for name in named if f"def {name}(" not in sources} == set()
