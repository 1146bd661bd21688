"""Who approved in Slack and is no active member any more: nothing starts on such a vote. Looked at when somebody else
votes, and again and again until the run has begun: the last vote may come from a terminal, which has no Slack to ask.
"""

from drbot.bot.listeners.accounts import Accounts
from drbot.commands.facts.context import CommandContext
from drbot.commands.verb.approve import approved_in_slack, void_without
from drbot.core.base.errors import UserError
from drbot.core.site.people import Person
from drbot.store.records import requests

EVERY_SECONDS = 10.0


def gone_voter(context: CommandContext, accounts: Accounts, asked_id: str) -> Person | None:
    """One of them. Raises UserError where Slack does not say."""
    for person in approved_in_slack(context, asked_id):
        if not any(accounts.now(one).is_full_member for one in person.slack):
            return person
    return None


def look_at_voters(context: CommandContext, accounts: Accounts) -> None:
    """Once, at all that is being asked or waits for its start. Where Slack does not say, nothing is void."""
    with context.database.read() as connection:
        asked = requests.live(connection)
    for asked_id in asked:
        try:
            gone = gone_voter(context, accounts, asked_id)
        except UserError:
            return
        if gone is not None:
            void_without(context, asked_id, gone)
