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

from drbot.bot.accounts import Accounts
from drbot.bot.blocks.dialogs import message_dialog
from drbot.bot.blocks.reply import reply_blocks, reply_text
from drbot.bot.enrolment import send_qr
from drbot.bot.slack import BLOCKS_REFUSED, SlackRefusedError
from drbot.bot.stamps import Stamps
from drbot.commands.context import CommandContext
from drbot.commands.dispatch import TABLE
from drbot.commands.grammar import parse
from drbot.commands.messages import Reply, Request, text
from drbot.commands.refusal import reply_of
from drbot.core.approval import Door
from drbot.core.errors import TemporaryError, UserError
from drbot.core.people import Person

log = structlog.get_logger(__name__)

REMEMBERED = 2000
SLACK_FAILS = (SlackApiError, SlackClientError, SlackRefusedError, OSError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """One delivery of Slack's: who acts, where, and the ways to answer."""

    user: str
    key: str  # the same for a delivery that comes twice
    channel: str = ""
    trigger: str = ""  # opens one dialog within three seconds
    answer_url: str = ""  # response_url
    view: str = ""  # an open dialog that shows the answer
    thread: str = ""


Result = TypeVar("Result")
Way = Callable[[Visit, Reply, bool], bool]
"""Shows a reply, its sentence alone if the last is true; False when the visit does not have this way."""


@dataclass(frozen=True, kw_only=True)
class Office:
    """Built once by main.py."""

    context: CommandContext
    client: WebClient
    accounts: Accounts
    stamps: Stamps
    pool: Executor
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)
    _doing: OrderedDict[str, Future[Any]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_first(self, visit: Visit) -> bool:
        """False for a delivery that comes twice. What matters is unique in the store as well."""
        with self._lock:
            if visit.key and visit.key in self._seen:
                return False
            self._seen[visit.key] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return True

    def once(self, visit: Visit, work: Callable[[], Result]) -> tuple[Future[Result], bool]:
        """Work in a thread of our own; a delivery that comes twice gets the same future, and False.

        Whichever ack Slack takes first must say what came of it: an empty one would close the dialog.
        """
        with self._lock:
            known = self._doing.get(visit.key)
            if known is not None:
                return known, False
            doing = self.pool.submit(work)
            self._doing[visit.key] = doing
            if len(self._doing) > REMEMBERED:
                self._doing.popitem(last=False)
        return doing, True

    def later(self, visit: Visit, work: Callable[["Office", Visit], None]) -> None:
        """After the ack, in a thread of our own: Bolt's few threads must stay free for the next ack."""
        if self.is_first(visit):
            self.pool.submit(self.guarded, visit, lambda: work(self, visit), lambda reply: self.tell(visit, reply))

    def guarded(self, visit: Visit, work: Callable[[], None], tell: Callable[[Reply], None]) -> None:
        """No failure is silent: whoever acted is told, the log has the rest."""
        try:
            work()
        except UserError as error:
            tell(reply_of(error))
        except TemporaryError as error:
            log.warning("Nothing was recorded.", user=visit.user, error=str(error))
            tell(
                _failed(
                    "Not recorded, nothing started and nothing stopped: try again.",
                    "記録できず、開始も停止もしていません。",
                )
            )
        except SLACK_FAILS as error:
            log.warning("Slack did not take an answer.", user=visit.user, error=str(error))
            tell(_failed(f"Slack did not take it: {_code(error)}.", "Slack に送信できませんでした。"))
        except Exception:
            log.exception("A listener failed.", user=visit.user)
            tell(_failed("drbot failed; its log says why.", "drbot の内部エラーです。ログを確認してください。"))

    def person(self, visit: Visit) -> Person | None:
        """The roster's person behind the account."""
        return self.context.roster.of_account(visit.user)

    def language(self, visit: Visit) -> str:
        """Private answers speak the person's language."""
        person = self.person(visit)
        return person.language if person else self.context.configuration.language

    def request(self, visit: Visit, verb_text: str, *, door: Door, values: dict[str, str] | None = None) -> Request:
        """What goes to `dispatch`."""
        return Request(
            verb_text=verb_text,
            person=self.person(visit),
            account=self.accounts.as_far_as_known(visit.user, fresh=decides(verb_text)),
            channel=visit.channel or None,
            door=door,
            at=datetime.now(UTC),
            values=values or {},
        )

    def show(self, visit: Visit, view: Mapping[str, Any], *, in_place_of: str = "") -> str:
        """Open a dialog for this person, or draw an open one again; its id. Its values leave as tokens only."""
        stamped = self.stamps.view(view, visit.user)
        if in_place_of:
            answer = self.client.views_update(view_id=in_place_of, view=stamped)
        else:
            answer = self.client.views_open(trigger_id=visit.trigger, view=stamped)
        return str(answer["view"]["id"])

    def tell(self, visit: Visit, reply: Reply) -> None:
        """Show a reply: in the open dialog, else by the answer URL, else in the channel, else directly."""
        if reply.qrs:
            reply = send_qr(self.client, visit.user, reply, self.language(visit))
        ways: tuple[Way, ...] = (self._in_dialog, self._by_url, self._in_channel, self._directly)
        any(self._arrives(way, visit, reply) for way in ways)

    def _arrives(self, way: Way, visit: Visit, reply: Reply) -> bool:
        """Blocks that Slack refuses must not silence the sentence: it is sent once more, alone."""
        for alone in (False, True):
            try:
                return way(visit, reply, alone)
            except SLACK_FAILS as error:
                log.warning("An answer did not arrive this way.", user=visit.user, error=str(error))
                if _code(error) not in BLOCKS_REFUSED:
                    return False
        return False

    def _in_dialog(self, visit: Visit, reply: Reply, alone: bool) -> bool:
        if not visit.view:
            return False
        shown = Reply(text=reply.text) if alone else reply
        self.show(visit, answer_dialog(shown, self.language(visit)), in_place_of=visit.view)
        return True

    def _by_url(self, visit: Visit, reply: Reply, alone: bool) -> bool:
        if not visit.answer_url:
            return False
        hook = WebhookClient(visit.answer_url, proxy=self.client.proxy)
        hook.proxy = self.client.proxy  # without one, the SDK would take the environment's
        answer = hook.send(
            response_type="in_channel" if reply.in_channel else "ephemeral",
            replace_original=False,
            **self._content(visit, reply, alone),
        )
        refused = next((code for code in BLOCKS_REFUSED if code in answer.body), "")
        if refused:
            raise SlackRefusedError("the answer URL", refused)
        return answer.status_code == 200

    def _in_channel(self, visit: Visit, reply: Reply, alone: bool) -> bool:
        if not visit.channel:
            return False
        thread = {"thread_ts": visit.thread} if visit.thread else {}
        content = self._content(visit, reply, alone) | thread
        if reply.in_channel:
            self.client.chat_postMessage(channel=visit.channel, **content)
        else:
            self.client.chat_postEphemeral(channel=visit.channel, user=visit.user, **content)
        return True

    def _directly(self, visit: Visit, reply: Reply, alone: bool) -> bool:
        place = self.client.conversations_open(users=[visit.user])["channel"]["id"]
        self.client.chat_postMessage(channel=place, **self._content(visit, reply, alone))
        return True

    def _content(self, visit: Visit, reply: Reply, alone: bool) -> dict[str, Any]:
        shared = reply.in_channel
        language = self.context.configuration.language if shared else self.language(visit)
        blocks = {} if alone else {"blocks": self.stamps.blocks(reply_blocks(reply, language))}
        return {"text": reply_text(reply, language)} | blocks


def answer_dialog(reply: Reply, language: str) -> dict[str, Any]:
    """A reply in place of the dialog; Slack takes no `markdown` blocks there."""
    blocks = [block for block in reply_blocks(reply, language) if block["type"] != "markdown"]
    return message_dialog("drbot", "", language) | {"blocks": blocks}


def _failed(english: str, japanese: str) -> Reply:
    todo = " If it matters now, use a terminal: drbot dr help"
    return Reply(text=text(english + todo, f"{japanese} 急ぐ場合は端末から: drbot dr help"), ok=False)


def _code(error: BaseException) -> str:
    if isinstance(error, SlackRefusedError):
        return error.code
    return str(error.response.get("error", "")) if isinstance(error, SlackApiError) else type(error).__name__


AT_ONCE = frozenset({"stop", "declare"})
"""What must not wait for Slack to say whose account it is."""


def decides(verb_text: str) -> bool:
    """Whether these words change something, so that the account is looked up at this moment."""
    try:
        access = TABLE[parse(verb_text).verb].access
    except UserError:
        return False
    return bool(access) and access not in AT_ONCE
