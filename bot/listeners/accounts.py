"""Who acts: Slack's account and the person of the roster behind it.

Whoever decides something is looked up at that moment: an account that was deactivated a minute ago counts no more. For
reading, Slack is asked once in ten minutes per account.
"""

import threading
import time
from collections.abc import Iterator
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from drbot.core.base.errors import UserError
from drbot.core.site.people import Account
from drbot.core.text.messages import phrase

log = structlog.get_logger(__name__)

KEPT_SECONDS = 600.0
STRANGER_SECONDS = 20.0  # somebody may have been invited
PAGE = 1000


class Accounts:
    def __init__(self, client: WebClient, home: str) -> None:
        self._client = client
        self._home = home  # the channel whose members may read, by name or id
        self._members: tuple[float, frozenset[str]] = (float("-inf"), frozenset())
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

    def is_at_home(self, user: str) -> bool:
        """Whether the account is in the home channel, as Slack said within ten minutes; not where it does not say."""
        with self._lock:
            at, members = self._members
        if time.monotonic() - at < (KEPT_SECONDS if user in members else STRANGER_SECONDS):
            return user in members
        try:
            members = frozenset(self._all("conversations.members", "members", channel=self._home_id()))
        except (SlackApiError, SlackClientError, OSError) as error:
            log.warning("Slack does not say who is in the home channel.", channel=self._home, why=str(error))
            return False
        with self._lock:
            self._members = (time.monotonic(), members)
        return user in members

    def _home_id(self) -> str:
        """Private channels are asked for only where there is no public one: the app may not be allowed to."""
        if self._home[:1] in "CG" and self._home.isupper():
            return self._home
        for types in ("public_channel", "private_channel"):
            for one in self._all("conversations.list", "channels", types=types, exclude_archived=True):
                if one["name"] == self._home:
                    return str(one["id"])
        return self._home

    def _all(self, method: str, what: str, **arguments: Any) -> Iterator[Any]:
        cursor = ""
        while True:
            page = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
            answer = self._client.api_call(method, params={**arguments, **page})
            yield from answer[what]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

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
