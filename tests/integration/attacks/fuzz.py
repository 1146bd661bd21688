"""A bot for fuzzed deliveries: Slack's signed bodies go through the guard, Bolt, the listeners and the store.

The oracle is written apart from drbot's rules and knows only what each person meant; both must agree about every vote.
"""

import random
import secrets
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from typing import Any

from slack_bolt import App, BoltRequest
from slack_sdk import WebClient

from drbot.bot.app import build_app
from drbot.bot.http_mode import RequestGuard
from drbot.bot.listeners.accounts import Accounts
from drbot.bot.listeners.responder import Responder
from drbot.bot.slack_api.signed_values import signed_values_of
from drbot.commands.facts.context import CommandContext
from drbot.core.approvals.approval import LIVE, ApprovalRequest, RequestState
from drbot.core.runs.run import Run
from drbot.slack_simulator.http_delivery import SIGNING_SECRET, Signed, signed
from drbot.slack_simulator.people import TEAM
from drbot.store.base.database import Database
from drbot.store.records import requests
from tests.integration.attacks.incident_app import ROSTER
from tests.integration.commands.verb_fixture import Bell
from tests.integration.store.store_fixture import opened, running

PEOPLE = {account: name for name, entry in ROSTER.items() for account in entry["slack"]}
NO_MEMBERS = frozenset({"U00GUEST", "U00BOTX", "U00GONE", "U00ELSE"})
APPROVERS = frozenset({"aiko", "ben", "chika", "dan"})
REQUESTERS = frozenset({"aiko"})


class AtOnce(Executor):
    """Does it now: the order of deliveries is the order of effects."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Done when this returns."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - whoever waits gets it
            future.set_exception(error)
        return future


@dataclass(frozen=True, kw_only=True)
class Meant:
    """What a person wanted with a delivery, and whether drbot may believe it."""

    request: str
    person: str | None
    user: str
    decision: str
    is_complete: bool  # the target's name and a reason were typed
    is_genuine: bool = True  # signed lately by Slack, with a token of drbot's for this person


@dataclass
class Oracle:
    """Who has said what, by the twelve rules as a person reads them."""

    states: dict[str, str] = field(default_factory=dict)
    said: dict[str, dict[str, str]] = field(default_factory=dict)  # request → person → last word

    def hear(self, meant: Meant) -> None:
        """A delivery arrived."""
        state, said = self.states[meant.request], self.said[meant.request]
        if not meant.is_genuine or not meant.is_complete or state not in ("open", "granted"):
            return
        if meant.user in NO_MEMBERS or meant.person not in APPROVERS:
            return
        if meant.decision == "approve":
            if meant.person in REQUESTERS or meant.person in said:
                return
            said[meant.person] = "approve"
            if sorted(said.values()) == ["approve", "approve"] and state == "open":
                self.states[meant.request] = "granted"
        elif said.get(meant.person) != "deny":
            said[meant.person] = "deny"
            self.states[meant.request] = "denied"


class FuzzedBot:
    """One run with one request after the other, and Slack's side of it."""

    def __init__(self, context: CommandContext, client: WebClient, chance: random.Random) -> None:
        self.context = context
        self.chance = chance
        self.oracle = Oracle()
        self._signed_values = signed_values_of(self.database)
        responder = Responder(
            context=context,
            client=client,
            accounts=Accounts(client, "dr-ops"),
            signed_values=self._signed_values,
            pool=AtOnce(),
        )
        self._app: App = build_app(responder, client, SIGNING_SECRET)
        self._guard = RequestGuard(SIGNING_SECRET, self.database)
        self.run: Run = running(self.database, lease_seconds=36_000)
        self.requests: list[ApprovalRequest] = []
        self.statuses: dict[int, int] = {}
        self.ask()

    @property
    def database(self) -> Database:
        """The store."""
        return self.context.database

    def ask(self) -> None:
        """A fresh request; what was live before becomes void."""
        for known, state in self.oracle.states.items():
            if state in ("open", "granted"):
                self.oracle.states[known] = "void"
        request = opened(self.database, self.run)
        self.requests.append(request)
        self.oracle.states[request.id] = "open"
        self.oracle.said[request.id] = {}

    def end(self, state: RequestState) -> None:
        """The newest request ends by itself."""
        newest = self.requests[-1].id
        with self.database.write() as tx:
            requests.close(tx, newest, state, why="fuzz")
        before = self.oracle.states[newest]
        if before == "granted" and state is RequestState.EXPIRED:
            return  # it still has its time to start
        if before in [one.value for one in LIVE]:
            self.oracle.states[newest] = state.value

    def deliver(self, request: Signed) -> int:
        """As http_mode does; the status."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        if self._guard.refusal(request.body, headers):
            status = 401
        else:
            asked = BoltRequest(body=request.body.decode(), headers=dict(headers))
            status = self._app.dispatch(asked).status
        self.statuses[status] = self.statuses.get(status, 0) + 1
        return status

    def submission(self) -> tuple[Signed, Meant]:
        """Somebody sends a vote dialog, with or without slips, tricks and age."""
        chance = self.chance
        request = chance.choice(self.requests[-3:])
        user = chance.choice([*PEOPLE, "U00NEW", "U00BEN", "U00CHIKA", "U00DAN"])
        decision = "deny" if chance.random() < 0.15 else "approve"
        target = "production" if chance.random() < 0.85 else chance.choice(["staging", "", "Production", "productіon"])
        reason = "read it" if chance.random() < 0.9 else chance.choice(["", "  ", "\u3000"])
        meant = Meant(
            request=request.id,
            person=PEOPLE.get(user),
            user=user,
            decision=decision,
            is_complete=bool(reason.strip()) and (target == "production" or decision == "deny"),
        )
        kept = {"request": request.id, "seal": request.seal, "decision": decision}
        token = self._signed_values.token(kept, "view", user)
        if chance.random() < 0.1:
            token, meant = self._spoiled(token, kept, user), replace(meant, is_genuine=False)
        body = _submission(user, token, {"target": target, "reason": reason})
        if chance.random() < 0.08:
            return self._bad_signature(body), replace(meant, is_genuine=False)
        return signed("interactive", body), meant

    def _spoiled(self, token: str, kept: dict[str, Any], user: str) -> str:
        other = "U00AIKO" if user != "U00AIKO" else "U00BEN"
        place = self.chance.randrange(len(token) - 3)
        return self.chance.choice(
            [
                token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :],
                self._signed_values.token(kept, "view", other),
                self._signed_values.token(kept, "vote:approve", user),
                str(kept),
                "",
            ]
        )

    def _bad_signature(self, body: dict[str, Any]) -> Signed:
        good = signed("interactive", body)
        changed = bytearray(good.body)
        changed[self.chance.randrange(len(changed))] ^= 1
        return self.chance.choice(
            [
                replace(good, body=bytes(changed)),
                signed("interactive", body, at=1_000_000),
                signed("interactive", body, secret="another"),
                replace(good, headers={}),
            ]
        )


def _submission(user: str, token: str, fields: dict[str, str]) -> dict[str, Any]:
    values = {name: {"value": {"type": "plain_text_input", "value": text}} for name, text in fields.items()}
    return {
        "type": "view_submission",
        "trigger_id": secrets.token_hex(8),
        "team": {"id": TEAM},
        "user": {"id": user, "team_id": TEAM},
        "view": {
            "id": "V" + secrets.token_hex(4),
            "type": "modal",
            "hash": secrets.token_hex(4),
            "callback_id": "vote",
            "private_metadata": token,
            "title": {"type": "plain_text", "text": "Approve"},
            "state": {"values": values},
        },
    }


__all__ = ["Bell", "FuzzedBot", "Meant", "Oracle"]
