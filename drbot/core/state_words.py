"""States, votes and decisions in Japanese; in English they are their own words."""

from collections.abc import Mapping

from drbot.core.words import Text

JAPANESE: Mapping[str, str] = {
    # incidents
    "declared": "宣言済み", "recovering": "復旧中", "recovered": "復旧済み", "resolved": "解決済み",
    # runs and steps
    "queued": "開始待ち", "pending": "未着手", "running": "実行中", "waiting": "操作待ち", "needs_decision": "判断待ち",
    "blocked": "中断", "succeeded": "成功", "failed": "失敗", "stopped": "停止", "skipped": "不要",
    "unsure": "完了したか不明", "undone": "取り消し済み",
    # requests and votes
    "open": "受付中", "granted": "承認済み", "used": "承認され開始", "denied": "却下", "withdrawn": "取り下げ",
    "expired": "期限切れ", "void": "無効", "approve": "承認", "deny": "却下", "break-glass": "緊急単独実行",
    # what people decide about a step, and answer
    "retry": "もう一度実行", "done": "完了済みとして続行", "undo": "変更を取り消す", "stop": "ここで停止",
    "yes": "はい", "no": "いいえ",
}  # fmt: skip


def word_of(state: str) -> str:
    """In Japanese; an answer of a runbook of one's own stays as it is."""
    return JAPANESE.get(state, state)


def state_text(state: str) -> Text:
    """In both languages."""
    return {"en": str(state), "ja": word_of(state)}
