"""Who acts: Slack's account and the person of the roster behind it.

Whoever decides something is looked up at that moment: an account that was deactivated a minute ago counts no more. For
reading, Slack is asked once in ten minutes per account.
"""

import threading
import time
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from drbot.core.base.errors import UserError
from drbot.core.site.people import Account
from drbot.core.text.messages import phrase

KEPT_SECONDS = 600.0


class Accounts:
    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Account]] = {}
        self._team = ""

    def now(self, user: str) -> Account:
        """The account as it is now. Raises UserError when Slack does not say: then no vote is counted."""
        try:
            account = self._asked(user)
        except (SlackApiError, SlackClientError, OSError) as error:
            raise UserError(
                phrase("Not counted."),
                phrase("drbot cannot check with Slack right now whether this account is an active member's."),
                phrase("Try again in a moment, or approve from a terminal: drbot dr approve"),
            ) from error
        with self._lock:
            self._known[user] = (time.monotonic(), account)
        return account

    def as_far_as_known(self, user: str, *, fresh: bool) -> Account:
        """The account; without its properties when Slack does not answer. Good enough for all but voting."""
        with self._lock:
            at, kept = self._known.get(user, (0.0, None))
        if kept is not None and not fresh and time.monotonic() - at < KEPT_SECONDS:
            return kept
        try:
            return self.now(user)
        except UserError:
            return Account(id=user)

    def _asked(self, user: str) -> Account:
        if not self._team:
            self._team = str(self._client.auth_test()["team_id"])
        about: dict[str, Any] = self._client.users_info(user=user)["user"]
        return Account(
            id=user,
            team=str(about.get("team_id", "")),
            is_bot=bool(about.get("is_bot") or about.get("is_workflow_bot")),
            is_guest=bool(about.get("is_restricted") or about.get("is_ultra_restricted")),
            is_deleted=bool(about.get("deleted")),
            is_foreign=bool(about.get("is_stranger")) or about.get("team_id") != self._team,
        )
