"""The other dialogs: declare, update, resolve, and the two that only say something."""

import json
from collections.abc import Mapping
from typing import Any

from drbot.bot.blocks.elements import Block, escape, plain, section, text_input
from drbot.bot.blocks.vote_dialog import BACK
from drbot.commands.facts.data_named import data_choices
from drbot.commands.verb.resolve import NOT_REPAIRED, USERS_CAN_WORK
from drbot.core.site.level import LEVEL_TEXTS, Level
from drbot.core.site.site import Site
from drbot.core.text.messages import phrase, say

LOADING: str = phrase("One moment…")
DECLARE: str = phrase("Declare an incident")
LEVEL: str = phrase("Level")
SERVICE: str = phrase("Service (level 1)")
SITE: str = phrase("Site")
SINCE: str = phrase("Since when?")
SINCE_HINT: str = phrase("20m, 02:10 (time_zone of dr.yml), 02:10Z or an ISO time; empty = now")
WHAT: str = phrase("What is broken?")
UPDATE: str = phrase("Tell the stakeholders")
UPDATE_TEXT: str = phrase("In plain words, as it will be posted")
RESOLVE: str = phrase("Resolve")
SUMMARY: str = phrase("What was done, in one or two sentences")
NO_UNDO: str = phrase("Afterwards /dr undo brings nothing back in this incident. What is kept stays kept.")
USERS: str = phrase("Can users work?")
HOW_IT_IS: Mapping[str, str] = {
    USERS_CAN_WORK: phrase("Users can work"),
    NOT_REPAIRED: phrase("Users cannot work: close it, not repaired"),
}
SEND: str = phrase("Send")


def message_dialog(title: str, text: str, language: str) -> dict[str, Any]:
    """A dialog that only says something: why there is nothing to vote on, or "one moment"."""
    return {
        "type": "modal",
        "title": plain(title, 24),
        "close": plain(say(BACK, language), 24),
        "blocks": [section(escape(text))],
    }


def declare_dialog(
    sites: Mapping[str, Site], site: str, language: str, values: Mapping[str, str], channel: str
) -> dict[str, Any]:
    """Level, site where there are several, service, since when, and what is broken; `values` are filled in already."""
    levels = [
        _option(f"{level.value}: {say(words, language)}", str(level.value)) for level, words in LEVEL_TEXTS.items()
    ]
    data = [one for named in sites.values() for one in data_choices(named, lambda words: f"{Level.DATABASE} {words}")]
    known = {choice.command: choice.label for choice in data}
    levels[2:2] = [_option(f"2: {say(label, language)}", value) for value, label in known.items()]
    places = [_option(one.title or name, name) for name, one in sites.items()][:100]
    every = {name: service for one in sites.values() for name, service in one.services.items()}
    services = [_option(service.title or name, name) for name, service in every.items()][:100]
    blocks = [
        _select("level", say(LEVEL, language), levels, values.get("level", "")),
        *([_select("site", say(SITE, language), places, site)] if len(places) > 1 else []),
        _select("service", say(SERVICE, language), services, values.get("service", ""), optional=True),
        text_input("since", say(SINCE, language), hint=say(SINCE_HINT, language), first=values.get("since", ""))
        | {"optional": True},
        text_input("text", say(WHAT, language), lines=True, first=values.get("title", "")),
    ]
    kept = {"channel": channel, "site": site, "anyway": values.get("anyway", "")}
    return _form("declare", say(DECLARE, language), blocks, language, kept)


def text_dialog(kind: str, incident: int, language: str, given: Mapping[str, str]) -> dict[str, Any]:
    """`update` or `resolve`: one field, and before it, where nothing shows that it works, how it is. `given`: what is
    filled in already.
    """
    title, label = (UPDATE, UPDATE_TEXT) if kind == "update" else (RESOLVE, SUMMARY)
    hint = "" if kind == "update" else say(NO_UNDO, language)
    blocks = [text_input("text", say(label, language), hint=hint, lines=True, first=given.get("text", ""))]
    if given.get("doubt") or given.get("users"):
        options = [_option(say(words, language), word) for word, words in HOW_IT_IS.items()]
        blocks.insert(0, _select("users", say(USERS, language), options, given.get("users", "")))
    if given.get("doubt"):
        blocks.insert(0, section(escape(say(given["doubt"], language))))
    return _form(kind, say(title, language), blocks, language, {"incident": incident})


def _form(callback: str, title: str, blocks: list[Block], language: str, kept: Mapping[str, object]) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": json.dumps(dict(kept)),
        "title": plain(title, 24),
        "submit": plain(say(SEND, language), 24),
        "close": plain(say(BACK, language), 24),
        "blocks": blocks,
    }


def _option(text: str, value: str) -> dict[str, Any]:
    return {"text": plain(text, 75), "value": value[:150]}


def _select(block: str, label: str, options: list[dict[str, Any]], chosen: str, *, optional: bool = False) -> Block:
    element: Block = {"type": "static_select", "action_id": "value", "options": options}
    first = next((option for option in options if option["value"] == chosen), None)
    if first is not None:
        element["initial_option"] = first
    return {"type": "input", "block_id": block, "label": plain(label, 200), "element": element, "optional": optional}
