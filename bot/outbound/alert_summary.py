"""A storm of alerts: those beyond a number a minute share one message, which counts and names them."""

import time
from collections import deque
from datetime import UTC, datetime

from drbot.bot.blocks.alerts import summary_blocks
from drbot.bot.outbound.alert_places import AlertPlaces, key_of
from drbot.commands.facts.context import CommandContext
from drbot.core.site.alert_groups import AlertGroup
from drbot.store.records import alerts, surfaces
from drbot.store.records.surfaces import Surface

MOST_ALONE, WITHIN_SECONDS = 10, 60.0
SHARED = "alerts/"


class Summaries:
    def __init__(self, context: CommandContext, places: AlertPlaces) -> None:
        self._context = context
        self._places = places
        self._alone: deque[float] = deque()  # when messages of their own were due
        self._counted: set[tuple[int, int]] = set()
        self._current: tuple[str, float] = ("", 0.0)  # key of the newest shared message, and when it began

    def apart(self, new: list[AlertGroup]) -> tuple[list[AlertGroup], list[AlertGroup]]:
        """Those that get a message of their own, and those that share one."""
        now = time.monotonic()
        while self._alone and now - self._alone[0] > WITHIN_SECONDS:
            self._alone.popleft()
        self._counted &= {(group.id, group.rings) for group in new}
        waiting = [group for group in new if (group.id, group.rings) not in self._counted]
        room = max(0, MOST_ALONE - len(self._alone))
        first, crowd = waiting[:room], waiting[room:]
        self._alone.extend(now for _ in first)
        self._counted |= {(group.id, group.rings) for group in first}
        return [group for group in new if group not in crowd], crowd

    def show(self, groups: list[AlertGroup]) -> None:
        """In the shared message of this minute, else in a new one. Raises what Slack answers."""
        key, began = self._current
        if not key or time.monotonic() - began > WITHIN_SECONDS:
            key = f"{SHARED}{groups[0].id}/{groups[0].rings}"
            self._current = key, time.monotonic()
        known = self._places.known(key)
        all_groups = [*(self._told_by(known) if known is not None else []), *groups]
        self._places.remember_shown(groups, self._put(key, all_groups))

    def has(self, group: AlertGroup) -> bool:
        known = self._places.known(key_of(group))
        return known is not None and self._key_of(known) is not None

    def draw_again(self, group: AlertGroup) -> None:
        known = self._places.known(key_of(group))
        if known is not None and (key := self._key_of(known)) is not None:
            self._put(key, self._told_by(known))

    def _put(self, key: str, groups: list[AlertGroup]) -> Surface:
        text, blocks = summary_blocks(groups, self._context, datetime.now(UTC))
        return self._places.put(key, text, blocks, version=sum(group.version for group in groups))

    def _key_of(self, surface: Surface) -> str | None:
        """The shared message that it is."""
        return next((one for one in self._keys(surface) if one.startswith(SHARED)), None)

    def _told_by(self, surface: Surface) -> list[AlertGroup]:
        numbers = {int(one.split("/")[1]) for one in self._keys(surface) if not one.startswith(SHARED)}
        with self._context.database.read() as connection:
            return alerts.some(connection, numbers)

    def _keys(self, surface: Surface) -> list[str]:
        with self._context.database.read() as connection:
            return surfaces.at(connection, surface.channel, surface.ts)
