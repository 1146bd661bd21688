"""The app as its manifest describes it: commands, shortcuts, events and the scopes the Web API enforces."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


@dataclass(frozen=True, kw_only=True, slots=True)
class App:
    """What `manifest.yml` says, as far as a workspace acts on it."""

    name: str
    commands: tuple[dict[str, Any], ...]
    shortcuts: tuple[dict[str, Any], ...]
    events: frozenset[str]
    scopes: frozenset[str]

    def command(self, name: str) -> dict[str, Any] | None:
        return next((command for command in self.commands if command["command"] == name), None)

    def shortcut(self, callback_id: str) -> dict[str, Any] | None:
        return next((each for each in self.shortcuts if each["callback_id"] == callback_id), None)


def read_manifest(path: Path) -> App:
    """Read a manifest of major version 2. Raises OSError, KeyError."""
    document: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    features = document["features"]
    return App(
        name=document["display_information"]["name"],
        commands=tuple(features.get("slash_commands", ())),
        shortcuts=tuple(features.get("shortcuts", ())),
        events=frozenset(document["settings"]["event_subscriptions"]["bot_events"]),
        scopes=frozenset(document["oauth_config"]["scopes"]["bot"]),
    )
