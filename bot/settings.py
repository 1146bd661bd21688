"""The bot's secrets, from the environment only (SECURITY.md). Everything about the system is in dr.yml."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase, sentences

SLACK = "https://slack.com/api/"

WHERE: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": phrase('api.slack.com → your app → "OAuth & Permissions" → Bot User OAuth Token (xoxb-…)'),
    "SLACK_APP_TOKEN": phrase(
        'api.slack.com → your app → "Basic Information" → App-Level Tokens, with the scope connections:write (xapp-…)'
    ),
    "SLACK_SIGNING_SECRET": phrase('api.slack.com → your app → "Basic Information" → Signing Secret; only with --http'),
}
NOT_STARTED: str = phrase("The bot was not started.")
PREFIXES: Mapping[str, str] = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}
SOCKET_MODE = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
HTTP_MODE = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How slow Slack wants it, in seconds; only tests of something else are in a hurry."""

    post: float = 1.0  # between two messages in one channel, after a burst
    board: float = 3.0  # between two edits of one board
    board_again: float = 15.0  # until a board that Slack refused is tried again


@dataclass(frozen=True, kw_only=True, slots=True)
class BotSettings:
    """Tokens, and the address and pace of Slack; others than its own are for the Slack simulator.

    `http`: where to listen for Slack (`8080`, `0.0.0.0:8080`); empty = Socket Mode.
    """

    bot_token: str
    app_token: str = ""
    api_url: str = SLACK
    http: str = ""
    signing_secret: str = ""
    pace: Pace = Pace()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, *, http: str = "") -> Self:
        """Raises UserError naming the variable that is missing or holds something else, and where to get it."""
        given = os.environ if environment is None else environment
        for name in HTTP_MODE if http else SOCKET_MODE:
            if not given.get(name, "").strip():
                raise _missing(name)
            if not given[name].strip().startswith(PREFIXES.get(name, "")):
                raise _another(name)
        url = given.get("SLACK_API_URL", "").strip() or SLACK
        return cls(
            bot_token=given["SLACK_BOT_TOKEN"].strip(),
            app_token=given.get("SLACK_APP_TOKEN", "").strip(),
            api_url=url if url.endswith("/") else f"{url}/",
            http=http,
            signing_secret=given.get("SLACK_SIGNING_SECRET", "").strip(),
        )

    def __repr__(self) -> str:
        return f"BotSettings(api_url={self.api_url!r})"  # tokens must not reach a log by accident


def _missing(name: str) -> UserError:
    walk = phrase("drbot docs slack walks through it; `drbot demo` needs no Slack account.")
    return UserError(
        NOT_STARTED, phrase("The environment variable {name} is missing.", name=name), sentences(_where(name), walk)
    )


def _another(name: str) -> UserError:
    why = phrase(
        "{name} does not begin with {prefix}: it is another token, or not a whole one.",
        name=name,
        prefix=PREFIXES[name],
    )
    return UserError(NOT_STARTED, why, _where(name))


def _where(name: str) -> str:
    return phrase("Get it here: {place}.", place=WHERE[name])
