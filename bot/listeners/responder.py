"""What the listeners work with, and how an answer reaches whoever asked, whatever they used to ask."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from drbot.bot.blocks.dialogs import message_dialog
from drbot.bot.blocks.reply import reply_blocks, reply_pages, reply_text
from drbot.bot.listeners.accounts import Accounts
from drbot.bot.listeners.enrolment import send_qr
from drbot.bot.listeners.long_answers import with_file
from drbot.bot.listeners.pictures import send_picture
from drbot.bot.listeners.voters import gone_voter
from drbot.bot.slack_api.signed_values import SignedValues
from drbot.bot.slack_api.slack import BLOCKS_REFUSED, SlackRefusedError
from drbot.commands.dispatch import TABLE, dispatch
from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Reply, Request
from drbot.commands.speech.parser import parse
from drbot.commands.speech.refusal import reply_of
from drbot.commands.verb.approve import void_without
from drbot.core.approvals.approval import EntryPoint
from drbot.core.base.errors import TemporaryError, UserError
from drbot.core.site.people import Account, Person
from drbot.core.text.messages import phrase, sentences

log = structlog.get_logger(__name__)

REMEMBERED = 2000
SLACK_FAILS = (SlackApiError, SlackClientError, SlackRefusedError, OSError)


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackRequest:
    """One delivery of Slack's: who acts, where, and the ways to answer."""

    user: str
    key: str  # the same for a delivery that comes twice
    channel: str = ""
    trigger: str = ""  # opens one dialog within three seconds
    answer_url: str = ""  # response_url
    view: str = ""  # an open dialog that shows the answer
    thread: str = ""


Result = TypeVar("Result")
Way = Callable[[SlackRequest, Reply, bool], bool]
"""Shows a reply, its sentence alone if the last is true; False when the request does not have this way."""


@dataclass(frozen=True, kw_only=True)
class Responder:
    context: CommandContext
    client: WebClient
    accounts: Accounts
    signed_values: SignedValues
    pool: Executor
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _doing: OrderedDict[str, Future[Any]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_first(self, slack_request: SlackRequest) -> bool:
        """False for a delivery that comes twice. What matters is unique in the store as well."""
        with self._lock:
            if slack_request.key and slack_request.key in self._seen:
                return False
            self._seen[slack_request.key] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return True

    def once(self, slack_request: SlackRequest, work: Callable[[], Result]) -> tuple[Future[Result], bool]:
        """Work in a thread of our own; a delivery that comes twice gets the same future, and False.

        Whichever ack Slack takes first must say what came of it: an empty one would close the dialog.
        """
        with self._lock:
            known = self._doing.get(slack_request.key)
            if known is not None:
                return known, False
            doing = self.pool.submit(work)
            self._doing[slack_request.key] = doing
            if len(self._doing) > REMEMBERED:
                self._doing.popitem(last=False)
        return doing, True

    def later(self, slack_request: SlackRequest, work: Callable[["Responder", SlackRequest], None]) -> None:
        """After the ack, in a thread of our own: Bolt's few threads must stay free for the next ack."""
        if self.is_first(slack_request):
            self.pool.submit(
                self.guarded,
                slack_request,
                lambda: work(self, slack_request),
                lambda reply: self.tell(slack_request, reply),
            )

    def guarded(self, slack_request: SlackRequest, work: Callable[[], None], tell: Callable[[Reply], None]) -> None:
        """No failure is silent: whoever acted is told, the log has the rest."""
        try:
            work()
        except UserError as error:
            tell(reply_of(error))
        except TemporaryError as error:
            log.warning("Nothing was recorded.", user=slack_request.user, error=str(error))
            tell(_failed(phrase("Not recorded, nothing started and nothing stopped: try again.")))
        except SLACK_FAILS as error:
            log.warning("Slack did not take an answer.", user=slack_request.user, error=str(error))
            tell(_failed(phrase("Slack did not accept it: {code}.", code=_code(error))))
        except Exception:
            log.exception("A listener failed.", user=slack_request.user)
            tell(_failed(phrase("drbot failed; its log says why.")))

    def person(self, slack_request: SlackRequest) -> Person | None:
        return self.context.roster.of_account(slack_request.user)

    def is_stranger(self, slack_request: SlackRequest) -> bool:
        """Neither on the roster nor in the home channel."""
        return self.person(slack_request) is None and not self.accounts.is_at_home(slack_request.user)

    def language(self, slack_request: SlackRequest) -> str:
        """Private answers speak the person's language."""
        person = self.person(slack_request)
        return person.language if person else self.context.configuration.language

    def request(
        self,
        slack_request: SlackRequest,
        verb_text: str,
        *,
        entry_point: EntryPoint,
        values: dict[str, str] | None = None,
        account: Account | None = None,
    ) -> Request:
        """What goes to `dispatch`. `account`: as it was just looked up."""
        return Request(
            verb_text=verb_text,
            person=self.person(slack_request),
            is_stranger=reads(verb_text) and self.is_stranger(slack_request),
            account=account or self.accounts.as_far_as_known(slack_request.user, fresh=decides(verb_text)),
            channel=slack_request.channel or None,
            entry_point=entry_point,
            at=datetime.now(UTC),
            values=values or {},
        )

    def vote(self, slack_request: SlackRequest, decision: str, values: dict[str, str]) -> Reply:
        """A ballot, as `dispatch` takes it: by the account as Slack has it now, whatever was known before."""
        account = self.accounts.now(slack_request.user)
        asked = values.get("request", "") if decision == "approve" else ""
        if asked and (gone := gone_voter(self.context, self.accounts, asked)) is not None:
            return void_without(self.context, asked, gone)
        request = self.request(slack_request, decision, entry_point=EntryPoint.DIALOG, values=values, account=account)
        return dispatch(self.context, request)

    def show(self, slack_request: SlackRequest, view: Mapping[str, Any], *, in_place_of: str = "") -> str:
        """Open a dialog for this person, or draw an open one again; its id. Its values leave as tokens only."""
        signed = self.signed_values.view(view, slack_request.user)
        if in_place_of:
            answer = self.client.views_update(view_id=in_place_of, view=signed)
        else:
            answer = self.client.views_open(trigger_id=slack_request.trigger, view=signed)
        return str(answer["view"]["id"])

    def tell(self, slack_request: SlackRequest, reply: Reply) -> None:
        """Show a reply: in the open dialog, else by the answer URL, else in the channel, else directly."""
        if reply.qrs:
            reply = send_qr(self.client, slack_request.user, reply, self.language(slack_request))
        if reply.picture is not None:
            reply = send_picture(self.client, slack_request.user, reply, reply.picture, self.language(slack_request))
        reply = with_file(self.client, slack_request.user, reply, self.language(slack_request))
        ways: tuple[Way, ...] = (self._in_dialog, self._by_url, self._in_channel, self._directly)
        any(self._arrives(way, slack_request, reply) for way in ways)

    def _arrives(self, way: Way, slack_request: SlackRequest, reply: Reply) -> bool:
        """Blocks that Slack refuses must not silence the sentence: it is sent once more, alone."""
        for alone in (False, True):
            try:
                return way(slack_request, reply, alone)
            except SLACK_FAILS as error:
                log.warning("An answer did not arrive this way.", user=slack_request.user, error=str(error))
                if _code(error) not in BLOCKS_REFUSED:
                    return False
        return False

    def _in_dialog(self, slack_request: SlackRequest, reply: Reply, alone: bool) -> bool:
        if not slack_request.view:
            return False
        shown = Reply(text=reply.text) if alone else reply
        self.show(slack_request, answer_dialog(shown, self.language(slack_request)), in_place_of=slack_request.view)
        return True

    def _by_url(self, slack_request: SlackRequest, reply: Reply, alone: bool) -> bool:
        if not slack_request.answer_url:
            return False
        hook = WebhookClient(slack_request.answer_url, proxy=self.client.proxy)
        hook.proxy = self.client.proxy  # without one, the SDK would take the environment's
        for content in self._contents(slack_request, reply, alone):
            answer = hook.send(
                response_type="in_channel" if reply.in_channel else "ephemeral", replace_original=False, **content
            )
            refused = next((code for code in BLOCKS_REFUSED if code in answer.body), "")
            if refused:
                raise SlackRefusedError("the answer URL", refused)
            if answer.status_code != 200:
                return False
        return True

    def _in_channel(self, slack_request: SlackRequest, reply: Reply, alone: bool) -> bool:
        if not slack_request.channel:
            return False
        thread = {"thread_ts": slack_request.thread} if slack_request.thread else {}
        for one in self._contents(slack_request, reply, alone):
            content = one | thread
            if reply.in_channel:
                self.client.chat_postMessage(channel=slack_request.channel, **content)
            else:
                self.client.chat_postEphemeral(channel=slack_request.channel, user=slack_request.user, **content)
        return True

    def _directly(self, slack_request: SlackRequest, reply: Reply, alone: bool) -> bool:
        place = self.client.conversations_open(users=[slack_request.user])["channel"]["id"]
        for content in self._contents(slack_request, reply, alone):
            self.client.chat_postMessage(channel=place, **content)
        return True

    def _contents(self, slack_request: SlackRequest, reply: Reply, alone: bool) -> list[dict[str, Any]]:
        """One message after the other; mostly there is one."""
        shared = reply.in_channel
        language = self.context.configuration.language if shared else self.language(slack_request)
        text = {"text": reply_text(reply, language)}
        if alone:
            return [text]
        return [text | {"blocks": self.signed_values.blocks(page)} for page in reply_pages(reply, language)]


def answer_dialog(reply: Reply, language: str) -> dict[str, Any]:
    """A reply in place of the dialog; Slack takes no `markdown` blocks there."""
    blocks = [block for block in reply_blocks(reply, language) if block["type"] != "markdown"]
    return message_dialog("drbot", "", language) | {"blocks": blocks}


def _failed(why: str) -> Reply:
    return Reply(text=sentences(why, phrase("If it matters now, use a terminal: drbot dr help")), ok=False)


def _code(error: BaseException) -> str:
    if isinstance(error, SlackRefusedError):
        return error.code
    return str(error.response.get("error", "")) if isinstance(error, SlackApiError) else type(error).__name__


AT_ONCE = frozenset({"stop", "declare"})
"""What must not wait for Slack to say whose account it is."""


def reads(verb_text: str) -> bool:
    """Whether these words only show something."""
    try:
        return not TABLE[parse(verb_text).verb].access
    except UserError:
        return True


def decides(verb_text: str) -> bool:
    """Whether these words change something, so that the account is looked up at this moment."""
    try:
        access = TABLE[parse(verb_text).verb].access
    except UserError:
        return False
    return bool(access) and access not in AT_ONCE
