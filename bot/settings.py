"""The bot's secrets, from the environment only (SECURITY.md). Everything about the system is in dr.yml."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from drbot.core.errors import UserError

SLACK = "https://slack.com/api/"

WHERE: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": 'api.slack.com → your app → "OAuth & Permissions" → Bot User OAuth Token (xoxb-…)',
    "SLACK_APP_TOKEN": 'api.slack.com → your app → "Basic Information" → App-Level Tokens, '
    "with the scope connections:write (xapp-…)",
    "SLACK_SIGNING_SECRET": 'api.slack.com → your app → "Basic Information" → Signing Secret; only with --http',
}
PREFIXES: Mapping[str, str] = {"SLACK_BOT_TOKEN": "xoxb-", "SLACK_APP_TOKEN": "xapp-"}
SOCKET_MODE = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
HTTP_MODE = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET")


@dataclass(frozen=True, kw_only=True, slots=True)
class BotSettings:
    """Tokens and the address of Slack; `api_url` is another one only for the Slack simulator.

    `http`: where to listen for Slack (`8080`, `0.0.0.0:8080`); empty = Socket Mode.
    """

    bot_token: str
    app_token: str = ""
    api_url: str = SLACK
    http: str = ""
    signing_secret: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, *, http: str = "") -> Self:
        """Raises UserError naming the variable that is missing or holds something else, and where to get it."""
        given = os.environ if environment is None else environment
        for name in HTTP_MODE if http else SOCKET_MODE:
            if not given.get(name, "").strip():
                raise UserError(
                    "The bot was not started.",
                    f"The environment variable {name} is missing.",
                    f"Get it here: {WHERE[name]}. docs/slack.md walks through it; `drbot demo` needs no Slack account.",
                )
            prefix = PREFIXES.get(name, "")
            if not given[name].strip().startswith(prefix):
                raise UserError(
                    "The bot was not started.",
                    f"{name} does not begin with {prefix}: it is another token, or not a whole one.",
                    f"Get it here: {WHERE[name]}.",
                )
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
