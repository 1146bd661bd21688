"""drbot's heartbeat through Slack: a reaction on a message of its own in the home channel, taken back and put again.

Slack delivers it like anybody's, so it must come back over the socket; one that answers pings but delivers nothing is
noticed by its absence (bot/connection.py). It wakes nobody and needs no permission that drbot does not have anyway.
"""

import threading
from concurrent.futures import Executor

import structlog

from drbot.bot.outbound.messenger import Messenger, OutgoingMessage
from drbot.bot.slack_api.slack import LOST, SlackRefusedError
from drbot.core.base.errors import TemporaryError
from drbot.core.text.messages import phrase, say
from drbot.store.records.surfaces import Surface

log = structlog.get_logger(__name__)

NOBODY = 0
"""No incident: the message belongs to the installation, and is the same for all its bots."""
REACTION = "heartbeat"
PULSE: str = phrase(
    "drbot is listening here: `/dr` opens the menu. The heart below is how drbot notices when Slack stops delivering."
)


class Pulse:
    """`beat` when nothing was delivered for a while."""

    def __init__(self, messenger: Messenger, home: str, language: str, pool: Executor) -> None:
        self._messenger = messenger
        self._outgoing = OutgoingMessage(
            incident=NOBODY, key=f"pulse@{home}", channel=home, text=say(PULSE, language), blocks=[]
        )
        self._pool = pool
        self._beating = threading.Lock()

    def beat(self) -> None:
        """Returns at once; one beat at a time, whatever Slack does."""
        if self._beating.acquire(blocking=False):
            self._pool.submit(self._beat)

    def _beat(self) -> None:
        try:
            place = self._messenger.post(self._outgoing, doubtful=True)
            self._toggle(place)
        except TemporaryError as error:
            log.info("Slack was not asked for a sign of life.", why=str(error))
        except SlackRefusedError as refusal:
            log.info("There is no place for drbot's heartbeat.", channel=self._outgoing.channel, why=str(refusal))
        except Exception:
            log.exception("The heartbeat failed; it goes on.")
        finally:
            self._beating.release()

    def _toggle(self, place: Surface) -> None:
        """Another bot may have done one half of it: that is delivered as well."""
        for method, expected in (("reactions.remove", "no_reaction"), ("reactions.add", "already_reacted")):
            try:
                self._messenger.slack.call(method, channel=place.channel, timestamp=place.ts, name=REACTION)
            except SlackRefusedError as refusal:
                if refusal.code in LOST:
                    self._messenger.forget(place)  # somebody deleted it: the next beat posts another one
                if refusal.code != expected:
                    raise
