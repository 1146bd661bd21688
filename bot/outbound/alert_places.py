"""Where messages about alerts are: in the operations channel, and with people directly while it refuses them."""

import structlog

from drbot.bot.blocks.elements import Block
from drbot.bot.outbound.messenger import Messenger, OutgoingMessage
from drbot.bot.slack_api.slack import LOST, SlackRefusedError
from drbot.commands.facts.context import CommandContext
from drbot.core.site.alert_groups import AlertGroup
from drbot.core.site.people import ACCESS
from drbot.store.records import alerts, surfaces
from drbot.store.records.surfaces import OF_NO_INCIDENT, Surface

log = structlog.get_logger(__name__)


def key_of(group: AlertGroup, ring: int = 0) -> str:
    """Of the message for this ring, the last one if none is said."""
    number = ring or group.rings
    return f"alert/{group.id}" if number <= 1 else f"alert/{group.id}/{number}"


class AlertPlaces:
    """Raises what Slack answers, unless it says otherwise."""

    def __init__(self, context: CommandContext, messenger: Messenger) -> None:
        self._context = context
        self._messenger = messenger
        self._direct: dict[str, int] = {}  # by key: the version that people were shown directly

    def has(self, group: AlertGroup) -> bool:
        return self.known(key_of(group)) is not None

    def known(self, key: str) -> Surface | None:
        return self._messenger.known(OF_NO_INCIDENT, key)

    def put(self, key: str, text: str, blocks: list[Block], *, version: int) -> Surface:
        """In the channel, as a new message or in place of the one that is there; where it is refused with people
        directly, and then SlackRefusedError is raised: the channel is to be tried again.
        """
        try:
            surface = self._put_at(self._context.configuration.channels.home, key, text, blocks)
        except SlackRefusedError:
            self._send(key, text, blocks, version)
            raise
        if key in self._direct:
            self._send(key, text, blocks, version)
        return surface

    def _put_at(self, place: str, key: str, text: str, blocks: list[Block]) -> Surface:
        known = self.known(key)
        if known is not None:
            try:
                self._messenger.edit(known, text, blocks, urgent=True)
            except SlackRefusedError as refusal:
                if refusal.code not in LOST:
                    raise
                self._messenger.forget(known)
            else:
                return known
        outgoing = OutgoingMessage(
            incident=OF_NO_INCIDENT, key=key, channel=place, text=text, blocks=blocks, urgent=True
        )
        return self._messenger.post(outgoing, doubtful=known is None)  # who tried before may have died

    def _send(self, key: str, text: str, blocks: list[Block], version: int) -> None:
        """To everybody who may answer, once for each version; whoever cannot be reached keeps it from nobody."""
        if self._direct.get(key) == version:
            return
        for account in self._accounts():
            try:
                self._put_at(account, f"{key}@{account}", text, blocks)
            except SlackRefusedError as refusal:
                log.warning("An alert could not be sent directly.", to=account, why=refusal.code)
        self._direct[key] = version

    def _accounts(self) -> list[str]:
        people = self._context.roster.people.values()
        return [account for person in people if person.roles & ACCESS["alert"] for account in person.slack[:1]]

    def replace_earlier(self, group: AlertGroup, text: str, blocks: list[Block]) -> None:
        """The messages of earlier rings only say where it goes on. Raises nothing that Slack refuses."""
        earlier = self.known(key_of(group, group.rings - 1))
        newest = self.known(key_of(group))
        if earlier is None or newest is None or self.is_shared(earlier):
            return
        try:
            self._messenger.edit(earlier, text, blocks)
        except SlackRefusedError as refusal:
            log.info("An earlier message of an alert stays as it is.", alert=group.id, why=refusal.code)

    def is_shared(self, surface: Surface) -> bool:
        """Whether several groups are told by it."""
        with self._context.database.read() as connection:
            return len(surfaces.at(connection, surface.channel, surface.ts)) > 1

    def remember_shown(self, groups: list[AlertGroup], surface: Surface | None = None) -> None:
        """`surface`: the message that tells all of them."""
        with self._context.database.write() as tx:
            for group in groups:
                if surface is not None:
                    surfaces.put(
                        tx,
                        Surface(incident=OF_NO_INCIDENT, key=key_of(group), channel=surface.channel, ts=surface.ts),
                    )
                alerts.shown(tx, group)
