"""What Slack would refuse that night: tokens, scopes, channels, and people who have left. Asks only, posts nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk import WebClient

from drbot.bot.settings import BotSettings
from drbot.bot.slack_api.rate_limiter import RateLimiter
from drbot.bot.slack_api.slack import Slack, SlackRefusedError, client_of
from drbot.core.base.errors import DrbotError
from drbot.core.site.people import Roster
from drbot.core.site.readiness import Line, bad, good
from drbot.core.site.site import Channels
from drbot.core.text.messages import filled, listed, phrase

PAGE = 200
REINSTALL: str = phrase("Reinstall the app from manifest.yml (drbot docs slack).")
BOT_TOKEN: str = phrase("Slack: bot token")
APP_TOKEN: str = phrase("Slack: app token")
SCOPES: str = phrase("Slack: scopes")


class SlackReadiness:
    """Looks at one workspace. `departed`: people who cannot vote by Slack, once `lines` has been read to its end."""

    def __init__(self, settings: BotSettings, scopes: frozenset[str]) -> None:
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
            yield bad(BOT_TOKEN, str(error), phrase("drbot docs slack says where to get it."))
            return
        yield good(BOT_TOKEN, phrase("{user} in {team}", user=me.get("user"), team=me.get("team")))
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
            todo = phrase("Make an app-level token with connections:write and turn Socket Mode on (drbot docs slack).")
            yield bad(APP_TOKEN, str(error), todo)
        else:
            yield good(APP_TOKEN, phrase("opens Socket Mode"))

    def _about_scopes(self) -> Line:
        granted = {one.strip() for one in str(self._headers().get("x-oauth-scopes", "")).split(",") if one.strip()}
        missing = sorted(self._scopes - granted)
        if missing:
            return bad(SCOPES, phrase("not granted: {scopes}", scopes=listed(missing)), REINSTALL)
        return good(SCOPES, phrase("all {count} granted", count=len(self._scopes)))

    def _headers(self) -> Mapping[str, Any]:
        """Slack names a token's scopes in the head of every answer."""
        return {str(name).lower(): value for name, value in self._client.auth_test().headers.items()}

    def _about_channels(self, channels: Channels) -> Iterator[Line]:
        try:
            known = self._channels()
        except DrbotError as error:
            yield bad(phrase("Slack: channels"), str(error), REINSTALL)
            return
        for name in dict.fromkeys((channels.home, *channels.status)):
            yield self._about_channel(name, known.get(name))

    def _about_channel(self, name: str, identifier: str | None) -> Line:
        what = f"Slack: #{name}"
        if identifier is None:
            todo = phrase("Create it; if it is private, /invite @drbot there.")
            return bad(what, phrase("drbot sees no such channel"), todo)
        try:
            found = self._slack.call("conversations.info", channel=identifier)["channel"]
        except DrbotError as error:
            return bad(what, str(error), REINSTALL)
        if found.get("is_archived"):
            todo = phrase("Unarchive it, or name another one under `channels` in dr.yml.")
            return bad(what, phrase("it is archived"), todo)
        if not found.get("is_member") and found.get("is_private"):
            return bad(what, phrase("drbot is not in it"), phrase("/invite @drbot there."))
        return good(what, phrase("there"))

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
            wrong += [(person.name, fault) for fault in faults.values()]
            if not person.slack and "approver" in person.roles:
                wrong.append((person.name, WITHOUT_ACCOUNT))
        for name, fault in wrong:
            yield bad(f"Slack: {name}", fault, phrase("Correct or remove them in dr.yml, people."))
        if not wrong:
            count = len(roster.people)
            yield good(phrase("Slack: people"), phrase("all {count} are active members", count=count))

    def _fault_of(self, account: str, team: str) -> str:
        """Why no vote would come from this account, or nothing."""
        try:
            about = self._slack.call("users.info", user=account)["user"]
        except SlackRefusedError as error:
            return filled(NO_ACCOUNT if error.code in UNKNOWN else UNSEEN, account=account, why=error.code)
        except DrbotError as error:
            return filled(UNSEEN, account=account, why=str(error))
        faults = {
            phrase("{account} has left"): about.get("deleted"),
            phrase("{account} is a bot"): about.get("is_bot"),
            phrase("{account} is a guest"): about.get("is_restricted") or about.get("is_ultra_restricted"),
            phrase("{account} belongs to another workspace"): about.get("is_stranger") or about.get("team_id") != team,
        }
        return filled(next((fault for fault, is_so in faults.items() if is_so), ""), account=account)


WITHOUT_ACCOUNT: str = phrase("without a Slack id: cannot be called or vote in Slack")
NO_ACCOUNT: str = phrase("{account} is not an account of this workspace")
UNSEEN: str = phrase("{account} cannot be looked up: {why}")
UNKNOWN = frozenset({"user_not_found", "user_not_visible"})
