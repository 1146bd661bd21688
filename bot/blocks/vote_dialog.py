"""The vote dialog: drawn from the current plan, so that nobody votes on what an old card said."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drbot.bot.blocks.elements import context, plain, section, text_input
from drbot.bot.blocks.tables import whole_table
from drbot.commands.views.vote_dialog import VoteDialog, table_of
from drbot.core.stakes_words import APPROVE_TITLE
from drbot.core.words import Text, clock, say

TITLES: Mapping[str, Text] = {
    "approve": {"en": "Approve", "ja": "承認"},
    "deny": {"en": "Deny", "ja": "却下"},
}
"""While the plan is being read; then an approval says what it is for."""
MEANING: Mapping[str, Text] = {
    "approve": {
        "en": "Approvals: {have} of {need}. With the last one, once any proof below has passed, exactly this starts by "
        "itself.{down}",
        "ja": "承認 {have}/{need}。{need} 人の承認がそろい、下の検証 (ある場合) に合格すると、次の内容だけが"
        "自動で始まります。{down}",
    },
    "deny": {
        "en": "One no is enough: it is not carried out, and in this incident the same is asked again only if you ask "
        "for it yourself.",
        "ja": "一人でも却下すると、この内容は実行されません。"
        "このインシデントで同じ内容を再び依頼できるのは、却下した本人だけです。",
    },
}
DOWN: Text = {"en": " Services are stopped meanwhile.", "ja": "その間サービスは停止します。"}
NEW_PLAN: Text = {
    "en": "The plan has changed since that message: this is the current one.",
    "ja": "計画が変更されています。これが最新の計画です。",
}
AS_OF: Text = {
    "en": "As of {when}, when this was opened. What has happened since stands on the card in the channel.",
    "ja": "{when} に開いた時点の内容です。その後の状況はチャンネルのカードで確認できます。",
}
TARGET: Text = {"en": 'Type the name of the target: "{target}"', "ja": "対象の名前「{target}」を入力してください"}
CODE: Text = {"en": "One-time code", "ja": "ワンタイムコード"}
CODE_HINT: Text = {
    "en": "Six digits from your authenticator. Not set up yet? /dr enrol",
    "ja": "認証アプリの 6 桁の数字。未設定の場合は /dr enrol",
}
REASON: Text = {"en": "Reason", "ja": "理由"}
HINT: Text = {"en": "It goes into the report.", "ja": "報告書に記載されます。"}
BACK: Text = {"en": "Back", "ja": "戻る"}


def vote_dialog(
    dialog: VoteDialog, decision: str, language: str, at: datetime, *, is_new_plan: bool = False
) -> dict[str, Any]:
    """The dialog for one decision about one request, as it was `at` that time: people read for minutes, and proof and
    votes may come meanwhile. `is_new_plan`: the button was of an older one.
    """
    title = say(APPROVE_TITLE[dialog.act] if decision == "approve" else TITLES[decision], language)
    kept = {"request": dialog.request, "seal": dialog.seal, "decision": decision, "incident": dialog.incident}
    down = say(DOWN, language) if dialog.interrupts else ""
    meaning = say(MEANING[decision], language, have=str(dialog.have), need=str(dialog.need), down=down)
    as_of = context(say(AS_OF, language, when=clock(at)))
    blocks = [section(meaning), *whole_table(table_of(dialog), language), as_of]
    if is_new_plan:
        blocks.insert(0, section(f":warning: {say(NEW_PLAN, language)}"))
    if decision == "approve":
        blocks.append(text_input("target", say(TARGET, language, target=dialog.target)))
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
