"""The vote dialog: drawn from the current plan, so that nobody votes on what an old card said."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drbot.bot.blocks.elements import context, escape, plain, section, text_input
from drbot.bot.blocks.tables import whole_table
from drbot.commands.views.vote_dialog import VoteDialog, table_of
from drbot.core.runs.stakes_words import APPROVE
from drbot.core.text.messages import filled, phrase, say, sentences
from drbot.core.text.words import clock

TITLES: Mapping[str, str] = {
    "approve": phrase("Approve"),
    "deny": phrase("Deny"),
}
"""While the plan is being read; then an approval says what it is for."""
MEANING: Mapping[str, str] = {
    "approve": phrase(
        "Approvals: {have} of {need}. Once all are in and any proof below has passed, exactly this starts by itself."
    ),
    "deny": phrase(
        "One denial is enough: it is not carried out, and in this incident the same is asked again only if you "
        "ask for it yourself."
    ),
}
DOWN: str = phrase("Services are stopped meanwhile.")
NEW_PLAN: str = phrase("The plan has changed since that message: this is the current one.")
AS_OF: str = phrase("As of {when}, when this was opened. For anything since, see the card in the channel.")
TARGET: str = phrase('Type the name of the target: "{target}"')
CODE: str = phrase("One-time code")
CODE_HINT: str = phrase("Six digits from your authenticator. Not set up yet? /dr enrol")
REASON: str = phrase("Reason")
HINT: str = phrase("It goes into the report.")
BACK: str = phrase("Back")


def vote_dialog(
    dialog: VoteDialog, decision: str, language: str, at: datetime, *, is_new_plan: bool = False
) -> dict[str, Any]:
    """The dialog for one decision about one request, as it was `at` that time: people read for minutes, and proof and
    votes may come meanwhile. `is_new_plan`: the button was of an older one.
    """
    title = say(APPROVE[dialog.act].title if decision == "approve" else TITLES[decision], language)
    kept = {"request": dialog.request, "seal": dialog.seal, "decision": decision, "incident": dialog.incident}
    as_of = context(say(filled(AS_OF, when=clock(at)), language))
    blocks = [section(_meaning(dialog, decision, language)), *whole_table(table_of(dialog), language), as_of]
    if dialog.sound:
        blocks.insert(0, section(f":warning: {escape(say(dialog.sound, language))}"))
    if is_new_plan:
        blocks.insert(0, section(f":warning: {say(NEW_PLAN, language)}"))
    if decision == "approve":
        blocks.append(text_input("target", say(filled(TARGET, target=dialog.target), language)))
        if dialog.needs_code:
            blocks.append(text_input("code", say(CODE, language), hint=say(CODE_HINT, language)))
    blocks.append(text_input("reason", say(REASON, language), hint=say(HINT, language), lines=True))
    return {
        "type": "modal",
        "callback_id": "vote",
        "private_metadata": json.dumps(kept),
        "title": plain(title, 24),
        "submit": plain(title, 24),
        "close": plain(say(BACK, language), 24),
        "blocks": blocks,
    }


def _meaning(dialog: VoteDialog, decision: str, language: str) -> str:
    down = DOWN if dialog.interrupts and decision == "approve" else ""
    return say(sentences(filled(MEANING[decision], have=dialog.have, need=dialog.need), down), language)
