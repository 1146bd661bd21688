"""Looks whether Slack would serve tonight, and writes it down for `/dr readiness`. Each bot may: they see the same."""

from drbot.bot.readiness import SlackReadiness
from drbot.bot.settings import BotSettings
from drbot.commands.facts.context import CommandContext
from drbot.store.records import readiness


def look(context: CommandContext, settings: BotSettings, scopes: frozenset[str]) -> None:
    """Once. `scopes`: what manifest.yml asks for. Raises TemporaryError when the state does not answer."""
    lines = list(SlackReadiness(settings, scopes).lines(context.roster, context.configuration.channels))
    with context.database.write() as tx:
        readiness.saw(tx, readiness.SLACK, lines)
