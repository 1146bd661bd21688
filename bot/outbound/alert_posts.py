"""Shows alerts in the operations channel: a message for each ring of a group, drawn again when it changes. One bot of
many posts.

What dr.yml names opens its incident first, before Slack is asked for anything. Then each alert is on its own: one that
cannot be shown is tried again, goes to people directly where the channel refuses it, and holds up no other.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import structlog

from drbot.bot.blocks.alerts import alert_blocks, superseded_blocks
from drbot.bot.outbound.alert_places import AlertPlaces, key_of
from drbot.bot.outbound.alert_summary import Summaries
from drbot.bot.outbound.messenger import Messenger
from drbot.bot.slack_api.slack import SlackBusyError, SlackDownError, SlackRefusedError
from drbot.commands.facts.context import CommandContext
from drbot.commands.verb.alert import declare_by_itself
from drbot.core.base.errors import DrbotError
from drbot.core.base.heart import Heart
from drbot.core.base.repeating import THROTTLED_SECONDS, repeat
from drbot.core.site.alert_groups import AlertGroup
from drbot.core.site.alerts import proposal_of
from drbot.store.records import alerts, surfaces

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
LEAD, LEAD_SECONDS = "alerts", 6.0
AGAIN_SECONDS = (2.0, 5.0, 10.0, 20.0)
DOWNS = 2
"""Calls without an answer, one after the other: Slack is away, and the others wait for the next look."""

PRUNE_SECONDS = 3600.0


@dataclass(kw_only=True)
class Patience:
    """What did not work, and when each is tried again."""

    now: Callable[[], float] = time.monotonic
    _failures: dict[int, tuple[int, float]] = field(default_factory=dict)  # by group: how often, and until when

    def is_over(self, group: int) -> bool:
        return self._failures.get(group, (0, 0.0))[1] <= self.now()

    def again(self, group: int) -> None:
        count = self._failures.get(group, (0, 0.0))[0]
        seconds = AGAIN_SECONDS[min(count, len(AGAIN_SECONDS) - 1)]
        self._failures[group] = count + 1, self.now() + seconds

    def done(self, group: int) -> None:
        self._failures.pop(group, None)


class AlertPosts:
    """`run` until stopped. `owner` names this process among the bots."""

    def __init__(self, context: CommandContext, messenger: Messenger, owner: str) -> None:
        self._context = context
        self._owner = owner
        self._places = AlertPlaces(context, messenger)
        self._summaries = Summaries(context, self._places)
        self._patience = Patience()
        self._undeclared: set[int] = set()  # groups whose incident could not be opened yet
        self._refused: set[int] = set()  # groups of which the log has been told
        self._pruned_at = time.monotonic()
        self._down_told_at = float("-inf")

    def run(self, stop: threading.Event, heart: Heart) -> None:
        def turn() -> None:
            heart.beat("alerts")
            self.look()

        repeat(turn, LOOK_SECONDS, stop, "alerts")

    def look(self) -> None:
        """Everything that people see otherwise than it is."""
        with self._context.database.read() as connection:
            is_due = alerts.is_due(connection, datetime.now(UTC))
            if not is_due and not alerts.unshown(connection):
                return
        with self._context.database.write() as tx:
            if not surfaces.lead(tx, LEAD, self._owner, LEAD_SECONDS):
                return
            if is_due:
                alerts.due(tx)
            waiting = alerts.unshown(tx.connection)
        self._show_all(self._declared(waiting))
        self._prune()

    def _declared(self, waiting: Iterable[AlertGroup]) -> list[AlertGroup]:
        """Incidents first: they wait for nothing of Slack. What could not be declared is tried again."""
        found = []
        for group in waiting:
            try:
                found.append(declare_by_itself(self._context, group))
            except DrbotError as error:
                if group.id not in self._undeclared:
                    log.error("An alert could not declare its incident; tried again.", alert=group.id, why=str(error))
                self._undeclared.add(group.id)
                found.append(group)
            else:
                self._undeclared.discard(group.id)
        return found

    def _show_all(self, waiting: list[AlertGroup]) -> None:
        downs = 0
        due = [group for group in waiting if self._patience.is_over(group.id)]
        known = [group for group in due if not group.rings or self._places.has(group)]
        new = sorted((group for group in due if group not in known), key=self._rank)
        alone, crowd = self._summaries.apart(new)
        acts = [(partial(self._show, group), [group]) for group in (*alone, *known)]
        if crowd:
            acts.append((partial(self._summaries.show, crowd), crowd))
        for show, groups in acts:
            downs += not self._answers(show, groups)
            if downs >= DOWNS:
                return

    def _rank(self, group: AlertGroup) -> tuple[bool, int]:
        """What names something of dr.yml comes before what names nothing."""
        is_known = proposal_of(self._context.configuration, group.firing).level is not None
        return not is_known and group.incident is None, group.id

    def _answers(self, show: Callable[[], None], groups: list[AlertGroup]) -> bool:
        """Whether Slack answered. What is not shown is tried again."""
        try:
            show()
        except SlackBusyError:
            return True  # it is told when there is room again, at one of the next looks
        except (SlackDownError, SlackRefusedError) as error:
            for group in groups:
                self._patience.again(group.id)
            if isinstance(error, SlackDownError):
                self._tell_down(error)
                return False
            if groups[0].id not in self._refused:
                log.error("The channel refuses an alert; people get it directly.", alert=groups[0].id, why=str(error))
            self._refused |= {group.id for group in groups}
            return True
        for group in groups:
            if group.id in self._undeclared:
                self._patience.again(group.id)
            else:
                self._patience.done(group.id)
        return True

    def _tell_down(self, error: SlackDownError) -> None:
        """Once a minute, however many alerts wait."""
        if time.monotonic() - self._down_told_at >= THROTTLED_SECONDS:
            self._down_told_at = time.monotonic()
            log.warning("Slack does not answer; alerts are shown later.", why=str(error))

    def _show(self, group: AlertGroup) -> None:
        """Raises what Slack answers."""
        if not group.rings:  # it began in a silence
            self._places.remember_shown([group])
            return
        if self._summaries.has(group):
            self._summaries.draw_again(group)
        else:
            text, blocks = alert_blocks(group, self._context, datetime.now(UTC))
            self._places.put(key_of(group), text, blocks, version=group.version)
        if group.id not in self._undeclared:  # else it is looked at again
            self._places.remember_shown([group])
        if group.rings > 1:
            self._places.replace_earlier(group, *superseded_blocks(group, self._context.configuration.language))

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = time.monotonic()
        with self._context.database.write() as tx:
            alerts.prune(tx)
