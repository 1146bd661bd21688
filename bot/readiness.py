"""What Slack would refuse that night: tokens, scopes, channels, and people who have left. Asks only, posts nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk import WebClient

from drbot.bot.settings import BotSettings
from drbot.bot.slack_api.rate_limiter import RateLimiter
from drbot.bot.slack_api.slack import Slack, SlackRefusedError, client_of
from drbot.core.errors import DrbotError
from drbot.core.people import Roster
from drbot.core.readiness import Line, bad, good
from drbot.core.site import Channels

PAGE = 200
REINSTALL = "Reinstall the app from manifest.yml (docs/slack.md)."


class SlackReadiness:
    """Looks at one workspace. `departed`: people who cannot vote by Slack, once `lines` has been read to its end."""

    def __init__(self, settings: BotSettings, scopes: frozenset[str]) -> None:
        """`scopes`: what manifest.yml asks for."""
        self._settings = settings
        self._client = client_of(settings)
        self._slack = Slack(self._client, RateLimiter())
        self._scopes = scopes
        self.departed: set[str] = set()

    def lines(self, roster: Roster, channels: Channels) -> Iterator[Line]:
        """Everything; without a token that works, that alone."""
        try:
            me = self._slack.call("auth.test")
        except DrbotError as error:
            yield bad("Slack: bot token", str(error).rstrip("."), "docs/slack.md says where to get it.")
            return
        yield good("Slack: bot token", f"{me.get('user')} in {me.get('team')}")
        yield from self._about_app_token()
        yield self._about_scopes()
        yield from self._about_channels(channels)
        yield from self._about_people(roster, str(me.get("team_id")))

    def _about_app_token(self) -> Iterator[Line]:
        if not self._settings.app_token:
            return
        client = WebClient(token=self._settings.app_token, base_url=self._settings.api_url, retry_handlers=[])
        client.proxy = self._client.proxy
        try:
            Slack(client, RateLimiter()).call("apps.connections.open", app_token=self._settings.app_token)
        except DrbotError as error:
            todo = "Make an app-level token with connections:write and turn Socket Mode on (docs/slack.md)."
            yield bad("Slack: app token", str(error).rstrip("."), todo)
        else:
            yield good("Slack: app token", "opens Socket Mode")

    def _about_scopes(self) -> Line:
        granted = {one.strip() for one in str(self._headers().get("x-oauth-scopes", "")).split(",") if one.strip()}
        missing = sorted(self._scopes - granted)
        if missing:
            return bad("Slack: scopes", f"not granted: {', '.join(missing)}", REINSTALL)
        return good("Slack: scopes", f"all {len(self._scopes)} granted")

    def _headers(self) -> Mapping[str, Any]:
        """Slack names a token's scopes in the head of every answer."""
        return {str(name).lower(): value for name, value in self._client.auth_test().headers.items()}

    def _about_channels(self, channels: Channels) -> Iterator[Line]:
        try:
            known = self._channels()
        except DrbotError as error:
            yield bad("Slack: channels", str(error).rstrip("."), REINSTALL)
            return
        for name in dict.fromkeys((channels.home, *channels.status)):
            yield self._about_channel(name, known.get(name))

    def _about_channel(self, name: str, identifier: str | None) -> Line:
        what = f"Slack: #{name}"
        if identifier is None:
            return bad(what, "drbot sees no such channel", "Create it; if it is private, /invite @drbot there.")
        try:
            found = self._slack.call("conversations.info", channel=identifier)["channel"]
        except DrbotError as error:
            return bad(what, str(error).rstrip("."), REINSTALL)
        if found.get("is_archived"):
            return bad(what, "it is archived", "Unarchive it, or name another one under `channels` in dr.yml.")
        if not found.get("is_member") and found.get("is_private"):
            return bad(what, "drbot is not in it", "/invite @drbot there.")
        return good(what, "there")

    def _channels(self) -> dict[str, str]:
        """Name → id of every channel that drbot can see, archived ones too."""
        found: dict[str, str] = {}
        cursor = ""
        while True:
            kinds = "public_channel,private_channel" if "groups:read" in self._scopes else "public_channel"
            page = self._slack.call("conversations.list", types=kinds, limit=PAGE, cursor=cursor)
            found |= {str(one["name"]): str(one["id"]) for one in page["channels"]}
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return found

    def _about_people(self, roster: Roster, team: str) -> Iterator[Line]:
        wrong = []
        for person in roster.people.values():
            faults = {account: fault for account in person.slack if (fault := self._fault_of(account, team))}
            if person.slack and len(faults) == len(person.slack):
                self.departed.add(person.id)
            wrong += [(person.name, account, fault) for account, fault in faults.items()]
            if not person.slack and "approver" in person.roles:
                wrong.append((person.name, "no Slack id", "cannot be called or vote in Slack"))
        for name, account, fault in wrong:
            yield bad(f"Slack: {name}", f"{account} {fault}", "Correct or remove them in dr.yml, people.")
        if not wrong:
            yield good("Slack: people", f"all {len(roster.people)} are active members")

    def _fault_of(self, account: str, team: str) -> str:
        """Why no vote would come from this account, or nothing."""
        try:
            about = self._slack.call("users.info", user=account)["user"]
        except SlackRefusedError as error:
            return "is no account of this workspace" if error.code in UNKNOWN else f"cannot be looked up: {error.code}"
        except DrbotError as error:
            return f"cannot be looked up: {error}"
        faults = {
            "has left": about.get("deleted"),
            "is a bot": about.get("is_bot"),
            "is a guest": about.get("is_restricted") or about.get("is_ultra_restricted"),
            "belongs to another workspace": about.get("is_stranger") or about.get("team_id") != team,
        }
        return next((fault for fault, is_so in faults.items() if is_so), "")


UNKNOWN = frozenset({"user_not_found", "user_not_visible"})
