"""Who acts: Slack's account and the person of the roster behind it. Asked of Slack once in ten minutes per account."""

import threading
import time
from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from core.errors import UserError
from core.people import Account

KEPT_SECONDS = 600.0


class Accounts:
    """A cache of `users.info`."""

    def __init__(self, client: WebClient, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._now = now
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Account]] = {}
        self._team = ""

    def of(self, user: str) -> Account:
        """The account. Raises UserError when Slack does not say who it is: then no vote is counted."""
        with self._lock:
            kept = self._known.get(user)
        if kept is not None and self._now() - kept[0] < KEPT_SECONDS:
            return kept[1]
        try:
            account = self._asked(user)
        except (SlackApiError, SlackClientError, OSError) as error:
            raise UserError(
                "Not counted.",
                "Slack does not tell just now whether this is the account of an active member.",
                "Try again in a moment, or approve from a terminal: drbot dr approve",
            ) from error
        with self._lock:
            self._known[user] = (self._now(), account)
        return account

    def as_far_as_known(self, user: str) -> Account:
        """The account; without its properties when Slack does not answer. Good enough for all but voting."""
        try:
            return self.of(user)
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
