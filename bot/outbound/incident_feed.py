"""One incident's way into Slack: its events in order, its channel, its board. One thread at a time works on a feed.

The cursor of a feed says what was shown; its intent says what was about to be shown when the bot died.
"""

import threading
import time
from collections import deque

import structlog

from drbot.bot.blocks.lines import URGENT
from drbot.bot.outbound import event_batch
from drbot.bot.outbound.cards import Cards
from drbot.bot.outbound.event_batch import EventBatch
from drbot.bot.outbound.incident_channel import IncidentChannel
from drbot.bot.outbound.live_board import LiveBoard
from drbot.bot.outbound.publisher_context import PublisherContext
from drbot.bot.outbound.questions import Questions
from drbot.bot.slack_api.slack import GONE, LOST, SlackBusyError, SlackDownError, SlackRefusedError
from drbot.commands.views.incident_view import IncidentView
from drbot.core.base.errors import TemporaryError
from drbot.core.ledger.events import Event
from drbot.core.text.messages import phrase
from drbot.store.records import surfaces
from drbot.store.records.surfaces import Surface

log = structlog.get_logger(__name__)

LONGEST_WAIT_SECONDS = 10.0
IDLE_SECONDS = 20.0


class IncidentFeed:
    """`offer` events, call `work` when `due`."""

    def __init__(self, publisher_context: PublisherContext, incident: int) -> None:
        self.incident = incident
        self._publisher_context = publisher_context
        self._channel = IncidentChannel(publisher_context, incident)
        self._board = LiveBoard(publisher_context, incident)
        self._cards = Cards(publisher_context, incident)
        self._questions = Questions(publisher_context.messenger)
        self._boardless_until = 0.0
        self._lock = threading.Lock()
        self._pending: deque[Event] = deque()
        with publisher_context.database.read() as connection:
            self._shown = surfaces.cursor(connection, self._cursor)
            self._intent = surfaces.cursor(connection, f"{self._cursor}-intent")
        self._doubtful = self._intent > self._shown
        self._failures = 0
        self._next_look = 0.0
        self.is_over = False

    @property
    def _cursor(self) -> str:
        return f"publisher-{self.incident}"

    def offer(self, event: Event) -> None:
        """One more event to show; what was shown before is ignored."""
        if event.seq <= self._shown:
            return
        with self._lock:
            self._pending.append(event)
        self.is_over = False
        if not self._failures:
            self._next_look = 0.0

    def first_pending(self) -> int | None:
        """The oldest event not shown yet."""
        with self._lock:
            return self._pending[0].seq if self._pending else None

    def is_due(self) -> bool:
        return not self.is_over and time.monotonic() >= self._next_look

    def work(self, interval: float) -> None:
        """Show what is pending and draw the board. Never raises; comes back later for what did not work."""
        try:
            self._attempt(interval)
        except SlackBusyError as busy:
            self._next_look = time.monotonic() + min(busy.seconds, LONGEST_WAIT_SECONDS)
        except SlackDownError as down:
            self._doubtful = True
            self._again_later(str(down))
        except TemporaryError as error:
            self._doubtful = True
            self._again_later(str(error))
        except Exception:
            log.exception("A feed of the publisher failed.", incident=self.incident)
            self._doubtful = True
            self._again_later("unforeseen")

    def _attempt(self, interval: float) -> None:
        """What answers a refusal asks Slack and the store too, so it may fail like the work itself."""
        try:
            waiting = self._work(interval)
        except SlackRefusedError as refusal:
            self._refused(refusal)
            return
        self._failures = 0
        self._doubtful = False
        self._next_look = time.monotonic() + waiting
        if self.first_pending() is not None:  # came while this was being decided
            self._next_look = 0.0

    def _again_later(self, why: str) -> None:
        self._failures += 1
        seconds = min(LONGEST_WAIT_SECONDS, 0.25 * 2**self._failures)
        self._next_look = time.monotonic() + seconds
        if self._failures == 1:
            log.warning("Slack is not reached; nothing is lost, trying again.", incident=self.incident, why=why)

    def _refused(self, refusal: SlackRefusedError) -> None:
        """What was to be shown here cannot be: say so, and do not try the same forever."""
        self._publisher_context.control_failed(
            self.incident, phrase("I could not write into the incident's channel."), refusal
        )
        if refusal.code in LOST:
            self._board.forget()
        elif refusal.code in GONE and self._publisher_context.situation(self.incident).incident.is_open:
            self._channel.open(self._publisher_context.situation(self.incident))
        elif self._failures >= 2:
            self._done(self._batch_end())
        self._again_later(str(refusal))

    def _work(self, interval: float) -> float:
        """Seconds until the next look. Cards come through whatever else is refused."""
        situation = self._publisher_context.situation(self.incident)
        channel = self._channel.place(situation)
        is_new = channel != situation.incident.channel
        if is_new:
            situation = self._publisher_context.situation(self.incident)
        events = self._batch()
        self._cards.touch(events)
        refusal, board = self._posted(situation, channel, doubtful=self._doubtful or not is_new)
        self._channel.welcome(situation, channel)
        if board.ts:
            self._channel.furnish(situation, board)
        self._cards.draw(
            situation,
            channel,
            lambda: self._refresh(board, interval),
            doubtful=self._doubtful,
            is_last_place=self._channel.is_fallback or not situation.incident.is_open,
        )
        if refusal is not None and refusal.code in GONE:
            raise refusal  # the rest waits for another channel
        self._draw(situation, board, interval, urgent=any(event.kind in URGENT for event in events))
        if events:
            self._show(events, board, interval)
            situation = self._publisher_context.situation(self.incident)
        self._draw(situation, board, interval, urgent=not situation.incident.is_open)
        self._questions.settle(situation)
        if self.first_pending() is not None:
            return 0.0
        self.is_over = not situation.incident.is_open
        is_moving = situation.run is not None and not situation.run.is_over
        return self._cards.again_in(interval if is_moving else IDLE_SECONDS)

    def _posted(
        self, situation: IncidentView, channel: str, *, doubtful: bool
    ) -> tuple[SlackRefusedError | None, Surface]:
        """The board; without a message (`ts` empty) when Slack refuses it in every form."""
        nothing = Surface(incident=self.incident, key="", channel=channel, ts="")
        if time.monotonic() < self._boardless_until and self._board.known(channel) is None:
            return None, nothing
        try:
            return None, self._board.post(situation, channel, doubtful=doubtful)
        except SlackRefusedError as refusal:
            if refusal.code not in GONE:
                self._do_without_board(refusal)
            return refusal, nothing

    def _do_without_board(self, refusal: SlackRefusedError) -> None:
        """It is tried again, but seldom: the few calls Slack allows belong to the cards."""
        self._publisher_context.control_failed(self.incident, phrase("I could not show the board."), refusal)
        self._boardless_until = time.monotonic() + self._publisher_context.pace.board_again

    def _refresh(self, board: Surface, interval: float) -> None:
        """While other things are posted, the board must not get old."""
        if time.monotonic() - self._board.drawn_at >= interval:
            self._draw(self._publisher_context.situation(self.incident), board, interval, urgent=False)

    def _draw(self, situation: IncidentView, board: Surface, interval: float, *, urgent: bool) -> None:
        """The board, unless it was drawn a moment ago and nothing is urgent; what is refused is tried again later."""
        now = time.monotonic()
        if not board.ts or now < self._boardless_until or (not urgent and now - self._board.drawn_at < interval):
            return
        try:
            self._board.draw(situation, board, urgent=urgent)
        except SlackBusyError:
            return  # latest wins: the next look draws it
        except SlackRefusedError as refusal:
            if refusal.code in LOST:
                self._board.forget()
            elif refusal.code in GONE:
                raise
            else:
                self._do_without_board(refusal)

    def _show(self, events: tuple[Event, ...], board: Surface, interval: float) -> None:
        """One batch, the board being kept fresh meanwhile."""
        self._remember_intent(events[-1].seq)
        situation = self._publisher_context.situation(self.incident)
        batch = EventBatch(
            events=events, situation=situation, board=board, questions=self._questions, doubtful=self._doubtful
        )
        event_batch.show(self._publisher_context, batch, lambda: self._refresh(board, interval))
        self._done(batch.last)

    def _batch(self) -> tuple[Event, ...]:
        """What is pending; a batch that was begun before is repeated with exactly its events."""
        with self._lock:
            pending = tuple(self._pending)
        if self._intent > self._shown:
            return tuple(event for event in pending if event.seq <= self._intent)
        return pending

    def _batch_end(self) -> int:
        events = self._batch()
        return events[-1].seq if events else self._shown

    def _remember_intent(self, seq: int) -> None:
        if self._intent >= seq:
            return
        with self._publisher_context.database.write() as tx:
            surfaces.advance(tx, f"{self._cursor}-intent", seq)
        self._intent = seq

    def _done(self, seq: int) -> None:
        with self._publisher_context.database.write() as tx:
            surfaces.advance(tx, self._cursor, seq)
        self._shown = seq
        with self._lock:
            while self._pending and self._pending[0].seq <= seq:
                self._pending.popleft()
