"""Values of buttons and dialogs as opaque, signed tokens (approvals.md, "forged button value").

What drbot puts behind a button comes back from outside. So it leaves encrypted and signed with a key of drbot's own,
bound to the button it was made for, a dialog also to the person it was opened for; anything else is refused.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from drbot.bot.blocks.elements import Block
from drbot.commands.speech.refusal import Refusal
from drbot.core.text.messages import phrase
from drbot.store.base import keys
from drbot.store.base.database import Database

KEY = "buttons"
FORGED = "forged"
"""Code of the refusal; the listeners record it."""


class SignedValues:
    """`of` is asked for the key when the first button is drawn: the bot starts while its database is busy."""

    def __init__(self, key: Callable[[], str]) -> None:
        self._key = key
        self._fernet: Fernet | None = None

    def blocks(self, blocks: Sequence[Block]) -> list[Block]:
        """A copy whose buttons carry tokens."""
        return [_signed(block, self._element) for block in blocks]

    def view(self, view: Mapping[str, Any], user: str) -> dict[str, Any]:
        kept = view.get("private_metadata")
        sealed = {"private_metadata": self.token(json.loads(kept), "view", user)} if kept else {}
        return {**view, **sealed, "blocks": self.blocks(view.get("blocks", []))}

    def token(self, value: Mapping[str, Any], purpose: str, user: str = "") -> str:
        """What stands in Slack instead of the value."""
        record = {"value": dict(value), "purpose": purpose, "user": user}
        return self._cipher().encrypt(json.dumps(record, ensure_ascii=False).encode()).decode()

    def read(self, token: str, purpose: str, user: str = "") -> dict[str, Any]:
        """The value. Raises Refusal `forged` unless this drbot made the token for this very purpose and person."""
        try:
            record = json.loads(self._cipher().decrypt(token.encode()))
        except (InvalidToken, ValueError) as error:
            raise _forged(phrase("It is not one of drbot's.")) from error
        if record["purpose"] != purpose:
            raise _forged(phrase("It was made for another button."))
        if record["user"] not in ("", user):
            raise _forged(phrase("It was made for another person."))
        value: dict[str, Any] = record["value"]
        return value

    def _element(self, element: Block) -> Block:
        if element.get("type") != "button" or "value" not in element:
            return element
        value = json.loads(element["value"])
        return element | {"value": self.token(value, purpose_of(element["action_id"]))}

    def _cipher(self) -> Fernet:
        if self._fernet is None:
            self._fernet = Fernet(self._key())
        return self._fernet


def signed_values_of(database: Database) -> SignedValues:
    """With the key of this installation, the same in every replica."""

    def key() -> str:
        with database.write() as tx:
            return keys.find_or_make(tx, KEY)

    return SignedValues(key)


def purpose_of(action_id: str) -> str:
    """The kind of a button: `do:3` and `do:4` are the same, `vote:approve` and `vote:deny` are not."""
    return "do" if action_id.startswith("do:") else action_id


def _signed(block: Block, element: Callable[[Block], Block]) -> Block:
    if block.get("type") == "actions":
        return block | {"elements": [element(one) for one in block["elements"]]}
    if "accessory" in block:
        return block | {"accessory": element(block["accessory"])}
    return block


def _forged(why: str) -> Refusal:
    return Refusal(
        phrase("You pressed a button."),
        why,
        phrase("Nothing was done. Type /dr to see what can be done."),
        code=FORGED,
    )
