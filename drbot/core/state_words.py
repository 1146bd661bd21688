"""What became of a request, in words, and votes, decisions and answers in Japanese; in English those are their own
words. How incidents, runs and steps are is said by commands/speech/state_texts.py.
"""

from collections.abc import Mapping

from drbot.core.words import Text

JAPANESE: Mapping[str, str] = {
    "approve": "承認", "deny": "却下", "break-glass": "緊急単独実行",
    # what people decide about a step, and answer
    "retry": "もう一度実行", "done": "完了済みとして続行", "undo": "変更を取り消す", "stop": "ここで停止",
    "yes": "はい", "no": "いいえ",
}  # fmt: skip


REQUESTS: Mapping[str, Text] = {
    "open": {"en": "approval needed", "ja": "承認が必要です"},
    "granted": {"en": "approved", "ja": "承認済み"},
    "used": {"en": "approved and begun", "ja": "承認され実行を開始"},  # what came of it is told by the run
    "denied": {"en": "denied", "ja": "却下"},
    "withdrawn": {"en": "withdrawn", "ja": "取り下げ"},
    "expired": {"en": "expired", "ja": "期限切れ"},
    "void": {"en": "no longer valid", "ja": "無効"},
    "stopped": {"en": "stopped", "ja": "停止"},
}


def word_of(state: str) -> str:
    """In Japanese; an answer of a runbook of one's own stays as it is."""
    return JAPANESE.get(state, state)


def state_text(state: str) -> Text:
    """In both languages."""
    return {"en": str(state), "ja": word_of(state)}
