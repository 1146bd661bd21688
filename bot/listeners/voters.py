"""Who approved in Slack and is no active member any more: nothing starts on such a vote. Looked at when somebody else
votes, and again and again until the run has begun: the last vote may come from a terminal, which has no Slack to ask.
"""

from collections.abc import Iterable
from contextlib import suppress

from drbot.bot.listeners.accounts import Accounts
from drbot.commands.facts.context import CommandContext
from drbot.commands.verb.approve import approved_in_slack, void_without
from drbot.core.base.errors import UnreadableError, UserError
from drbot.core.site.people import Person
from drbot.store.records import requests

EVERY_SECONDS = 10.0


def gone_voter(context: CommandContext, accounts: Accounts, asked_id: str) -> Person | None:
    """One of them. Raises UserError where Slack does not say."""
    return next((one for one, used in approved_in_slack(context, asked_id) if is_gone(accounts, used)), None)


def is_gone(accounts: Accounts, used: Iterable[str]) -> bool:
    """Whether none of the accounts that the vote can have come from is there. Raises UserError where Slack does not
    say.
    """
    return not any(accounts.now(one).is_full_member for one in used)


def look_at_voters(context: CommandContext, accounts: Accounts) -> None:
    """Once, at all that is being asked or waits for its start. Where Slack does not say, nothing is void; of the others
    it may say.
    """
    with context.database.read() as connection:
        asked = requests.live(connection)
    for asked_id in asked:
        with suppress(UnreadableError):  # of a request whose votes cannot be read nothing counts anyway
            _look_at(context, accounts, asked_id)


def _look_at(context: CommandContext, accounts: Accounts, asked_id: str) -> None:
    for person, used in approved_in_slack(context, asked_id):
        with suppress(UserError):
            if is_gone(accounts, used):
                void_without(context, asked_id, person)
                break
