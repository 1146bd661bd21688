"""Slack's Web API with three kinds of failure: later, perhaps done, refused. The SDK's own retries are off.

A retried `chat.postMessage` whose answer was lost would be posted twice; who calls decides what to do about that.
"""

import http.client
from collections.abc import Mapping
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from drbot.bot.settings import BotSettings
from drbot.bot.slack_api.rate_limiter import RateLimiter
from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.text.messages import phrase, sentences

ANSWER_SECONDS = 10
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})

BLOCKS_REFUSED = frozenset({"invalid_arguments", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
"""The text alone may still be taken."""

LOST = frozenset({"message_not_found", "thread_not_found", "cant_update_message", "edit_window_closed"})
"""The message is not there (any more), or cannot be edited: another one takes its place."""

GONE = frozenset({"is_archived", "channel_not_found", "not_in_channel"})
"""The channel is not there (for drbot): another one takes its place."""

PLACE_REFUSED = (
    LOST
    | GONE
    | {
        "missing_scope",
        "no_permission",
        "access_denied",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_non_threadable_channel",
        "messages_tab_disabled",
        "cannot_dm_bot",
        "user_disabled",
        "user_is_deactivated",
        "user_not_found",
        "name_taken",
    }
)
"""Other words or blocks would not help. Every other refusal of a message may be about its blocks."""

_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "rollup_error"})
_LOCKED_OUT = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})
"""Nothing is dropped because of a wrong token: it is tried until somebody puts the right one there."""

ADVICE: Mapping[str, str] = {
    "missing_scope": phrase("Reinstall the app from manifest.yml: it lacks a permission."),
    "not_in_channel": phrase("Invite drbot to the channel: /invite @drbot"),
    "channel_not_found": phrase("Create the channel, invite drbot, and check `channels` in dr.yml."),
    "is_archived": phrase("Unarchive the channel, or go on in the new one that drbot opens."),
    "restricted_action": phrase("A workspace admin must allow the app to do this."),
    "name_taken": phrase("Rename the old channel."),
    "invalid_auth": phrase("Check SLACK_BOT_TOKEN; reinstalling the app makes a new one."),
    "account_inactive": phrase("Check SLACK_BOT_TOKEN; the app was removed from the workspace."),
    "token_revoked": phrase("Check SLACK_BOT_TOKEN; the token was revoked."),
}


class SlackBusyError(TemporaryError):
    """Too many calls: not done; try again after `seconds`."""

    def __init__(self, method: str, seconds: float) -> None:
        message = phrase(
            "Slack is rate-limiting {method}; next try in {seconds} s.", method=method, seconds=f"{seconds:.0f}"
        )
        super().__init__(message, kind="throttled")
        self.seconds = seconds


class SlackDownError(TemporaryError):
    """No answer, or an error of Slack's own: perhaps it was done, perhaps not."""


class SlackRefusedError(PermanentError):
    """Slack says no and will say it again; `code` is Slack's word for why."""

    def __init__(self, method: str, code: str) -> None:
        refused = phrase("Slack refused {method}: {code}.", method=method, code=code)
        super().__init__(sentences(refused, ADVICE.get(code, "")))
        self.method = method
        self.code = code
        self.todo = ADVICE.get(code, "")


def client_of(settings: BotSettings) -> WebClient:
    """A client without retries; a proxy of the environment is not for the Slack simulator."""
    client = WebClient(token=settings.bot_token, base_url=settings.api_url, timeout=ANSWER_SECONDS, retry_handlers=[])
    if urlsplit(settings.api_url).hostname in LOCAL:
        client.proxy = None
    return client


class Slack:
    """Calls by method name, within the rate limits."""

    def __init__(self, client: WebClient, rate_limiter: RateLimiter) -> None:
        self.client = client
        self._rate_limiter = rate_limiter

    def call(self, method: str, *, urgent: bool = False, **arguments: Any) -> dict[str, Any]:
        """The answer. Raises SlackBusyError, SlackDownError, SlackRefusedError."""
        channel = str(arguments.get("channel", ""))
        seconds = self._rate_limiter.take(method, channel, urgent=urgent)
        if seconds > 0:
            raise SlackBusyError(method, seconds)
        try:
            answer = getattr(self.client, method.replace(".", "_"))(**arguments)
        except SlackApiError as error:
            raise self._translated(error, method, channel) from error
        except (URLError, OSError, http.client.HTTPException, SlackClientError) as error:
            raise SlackDownError(
                phrase("Slack does not answer {method}: {error}", method=method, error=error)
            ) from error
        content: dict[str, Any] = answer.data
        return content

    def _translated(self, error: SlackApiError, method: str, channel: str) -> Exception:
        response: Any = error.response
        status = getattr(response, "status_code", 0)
        code = str(response.get("error") or "") if isinstance(getattr(response, "data", None), dict) else ""
        if status == 429 or code in ("ratelimited", "rate_limited"):
            seconds = float(response.headers.get("Retry-After", response.headers.get("retry-after", 1)))
            self._rate_limiter.hold(method, channel, seconds)
            return SlackBusyError(method, seconds)
        if status >= 500 or not code or code in _PASSING | _LOCKED_OUT:
            answered = f"HTTP {status} {code}".strip()
            failed = phrase("Slack could not do {method}: {answer}.", method=method, answer=answered)
            return SlackDownError(sentences(failed, ADVICE.get(code, "")))
        return SlackRefusedError(method, code)
