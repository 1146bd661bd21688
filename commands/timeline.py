"""One event of the journal as one line for people; report and `timeline` speak with the same words."""

from collections.abc import Mapping
from typing import Any

from drbot.commands.messages import text
from drbot.core.events import Event, EventKind
from drbot.core.japanese import said_in
from drbot.core.plan import short_seal
from drbot.core.state_words import state_text
from drbot.core.words import Text, duration

# {who} the person · {step} · {run} · everything of the payload; what is missing becomes "-".
LINES: Mapping[EventKind, Text] = {
    EventKind.INCIDENT_DECLARED: text(
        "{who} declared level {level}: {title}", "{who} がレベル {level} を宣言: {title}"
    ),
    EventKind.INCIDENT_LEVEL_CHANGED: text(
        "{who} changed the level from {old} to {new}. {why}", "{who} がレベルを {old} から {new} に変更。{why}"
    ),
    EventKind.INCIDENT_CHANNEL_OPENED: text("Channel #{name} opened", "チャンネル #{name} を開設"),
    EventKind.INCIDENT_RECOVERING: text("The recovery of production began", "本番の復旧を開始"),
    EventKind.INCIDENT_RECOVERED: text("Recovered: the services passed their checks", "復旧: サービスの検査に合格"),
    EventKind.INCIDENT_CONFIRMED: text("{who} confirmed that users can work", "{who} が利用できることを確認"),
    EventKind.INCIDENT_NOT_RECOVERED: text("{who}: users cannot work; not recovered", "{who}: 利用できないため未復旧"),
    EventKind.INCIDENT_UNCONFIRMED: text(
        "Nobody answered in time whether users can work", "利用できるかの回答なし (期限切れ)"
    ),
    EventKind.INCIDENT_RESOLVED: text("{who} resolved the incident. {summary}", "{who} が解決済みに変更。{summary}"),
    EventKind.INCIDENT_NOTE: text("{who}: {text}", "{who}: {text}"),
    EventKind.STATUS_UPDATE: text("{who} told the stakeholders: {text}", "{who} が関係者に連絡: {text}"),
    EventKind.STATUS_DUE: text("Regular post to the stakeholders", "関係者への定期連絡"),
    EventKind.LEVEL_PROPOSED: text("drbot proposes level {level}: {why}", "レベル {level} を提案: {why}"),
    EventKind.RUN_QUEUED: text("{who} started {runbook} ({kind})", "{who} が {runbook} ({kind}) を開始"),
    EventKind.RUN_CLAIMED: text("Worker {owner} took over {run}", "ワーカー {owner} が {run} を担当"),
    EventKind.RUN_PLANNED: text("The plan is ready, seal {seal_short}", "計画が完成、封印 {seal_short}"),
    EventKind.RUN_REFUSED: text("This cannot work: {why} {todo}", "実行できません: {why} {todo}"),
    EventKind.RUN_WAITING: text("Waiting at {step}", "{step} で待機"),
    EventKind.SITE_HELD: text(
        "Another drbot has the target: {owner}, {there}, since {since}",
        "別の drbot が使用中: {owner}、{there}、{since} から",
    ),
    EventKind.SITE_TAKEN_OVER: text("{who} took the target over: {why}", "{who} が引き継ぎ: {why}"),
    EventKind.RUN_RESUMED: text("Goes on: {why}", "再開: {why}"),
    EventKind.RUN_NEEDS_DECISION: text("{step} needs a decision: {question}", "{step} に判断が必要: {question}"),
    EventKind.RUN_BLOCKED: text("Blocked: {why}", "中断: {why}"),
    EventKind.RUN_STOP_REQUESTED: text("{who} asked to end the run. {why}", "{who} が実行の終了を指示。{why}"),
    EventKind.RUN_HANDED_OVER: text("Worker {owner} handed the run over", "ワーカー {owner} が実行を手放した"),
    EventKind.RUN_SUCCEEDED: text("The run ended well. {why}", "実行は成功。{why}"),
    EventKind.RUN_FAILED: text("The run failed at {step}: {why}", "{step} で失敗: {why}"),
    EventKind.RUN_STOPPED: text("The run stopped. {safe_state}", "実行を停止。{safe_state}"),
    EventKind.STEP_STARTED: text("{step} started", "{step} を開始"),
    EventKind.STEP_RETRIED: text("{step} is tried again: {why}", "{step} を再試行: {why}"),
    EventKind.STEP_SUCCEEDED: text("{step} done{took}: {summary}", "{step} 完了{took}: {summary}"),
    EventKind.STEP_FAILED: text("{step} failed: {why}", "{step} 失敗: {why}"),
    EventKind.STEP_SKIPPED: text("{step} skipped: {why}", "{step} を省略: {why}"),
    EventKind.STEP_STOPPED: text("{step} stopped: {why}", "{step} を停止: {why}"),
    EventKind.STEP_UNSURE: text("{step} is unsure: {why}", "{step} の結果が不明: {why}"),
    EventKind.STEP_SETTLED: text("{who} settled {step}: {decision}", "{who} が {step} の扱いを決定: {decision}"),
    EventKind.STEP_VOUCHED: text(
        "{who} says that {step} is done; a second person is needed", "{who} が {step} は完了と判断 (もう一人必要)"
    ),
    EventKind.STEP_DOUBTED: text(
        "{step} was settled as done; its check says otherwise", "{step} の完了は検査により認められず"
    ),
    EventKind.STEP_UNDONE: text("{step} taken back: {summary}", "{step} を取り消し: {summary}"),
    EventKind.STEP_ASKED: text("{step} asks the people", "{step} が質問"),
    EventKind.STEP_ANSWERED: text("{who} answered {step}: {answer}", "{who} が {step} に回答: {answer}"),
    EventKind.REQUEST_OPENED: text("{people} approvals asked for", "{people} 人の承認を依頼"),
    EventKind.REQUEST_REMINDED: text("Approvers reminded", "承認者に再通知"),
    EventKind.REQUEST_GRANTED: text("Approved", "承認成立"),
    EventKind.REQUEST_PROVEN: text("The steps of the proof have ended", "検証の手順が終了"),
    EventKind.REQUEST_USED: text("The permit was used for {step}", "{step} に承認を使用"),
    EventKind.REQUEST_DENIED: text("The request is denied: {reason}", "却下: {reason}"),
    EventKind.REQUEST_WITHDRAWN: text("The request was withdrawn: {reason}", "取り下げ: {reason}"),
    EventKind.REQUEST_EXPIRED: text("The request expired", "承認期限切れ"),
    EventKind.REQUEST_VOID: text("The request is void: {why}", "無効: {why}"),
    EventKind.REQUEST_STOPPED: text("The request ended with STOP", "停止により承認依頼を終了"),
    EventKind.REQUEST_HELD: text(
        "BREAK-GLASS by {who}, against: {rule}. {reason}", "緊急単独実行 {who}、無効にした規則: {rule}。{reason}"
    ),
    EventKind.REVIEW_DUE: text("The review of the break-glass is due", "緊急単独実行の振り返りの期限"),
    EventKind.ROSTER_PROPOSED: text("dr.yml proposes another roster or policy", "dr.yml が名簿・方針の変更を提案"),
    EventKind.ROSTER_VOTED: text("{who} agreed to the proposed roster", "{who} が名簿の変更に同意"),
    EventKind.ROSTER_ACCEPTED: text("The roster and the policy are in force", "名簿と方針が発効"),
    EventKind.FACTOR_ENROLLED: text("{who} enrolled an authenticator", "{who} が認証アプリを登録"),
    EventKind.FACTOR_REFUSED: text(
        "Wrong code for {who}, from {entrance} {place}", "{who} への誤ったコード ({entrance} {place})"
    ),
    EventKind.FACTOR_LOCKED: text(
        "Codes for {who} from {entrance} {place} are locked", "{entrance} {place} からの {who} のコードをロック"
    ),
    EventKind.FACTOR_RESET: text("The authenticator of {who}: {what}", "{who} の認証アプリ: {what}"),
    EventKind.VOTE_COUNTED: text(
        "{who}: {decision} ({have} of {need}): {reason}", "{who}: {decision} ({have}/{need}): {reason}"
    ),
    EventKind.VOTE_REFUSED: text("Vote of {who} refused: {why}", "{who} の投票は無効: {why}"),
    EventKind.COMMAND_REFUSED: text("{who}: {verb} refused: {why}", "{who}: {verb} を拒否: {why}"),
    EventKind.KEPT_CREATED: text("Old data kept as {volume}", "元のデータを {volume} として保管"),
    EventKind.KEPT_ASKED: text("Asked whether {volume} is still needed", "{volume} がまだ必要か確認"),
    EventKind.MACHINE_RENTED: text(
        "A rented machine is there: {machine} ({type}, {region}) for {site}",
        "借りたマシンがあります: {machine} ({type}、{region})、拠点 {site}",
    ),
    EventKind.MACHINE_GONE: text(
        "The rented machine {machine} of {site} is gone", "{site} の借りたマシン {machine} はなくなりました"
    ),
    EventKind.UNREADABLE: text("A record that cannot be read: drbot audit verify", "読めない記録: drbot audit verify"),
    EventKind.STATE_SIGNED_BY: text(
        "The worker of {site} signs copies of drbot's state from here on", "以後 {site} のワーカーが状態の控えに署名"
    ),
    EventKind.STATE_BROUGHT_BACK: text(
        "drbot's state came back from {place}, as of record {record}",
        "drbot の状態を {place} から復旧 (記録 {record} まで)",
    ),
    EventKind.CONTROL_FAILED: text("drbot itself could not: {what}: {why}", "drbot の処理に失敗: {what}: {why}"),
}


class _Forgiving(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "-"


def line_of(event: Event, names: Mapping[str, str]) -> Text:
    """The event in both languages; `names` maps ids of the roster to names."""
    return {language: _line(event, names, language) for language in LINES[event.kind]}


def _line(event: Event, names: Mapping[str, str], language: str) -> str:
    values = _Forgiving(
        {key: _plain(_word(key, value), language) for key, value in event.payload.items() if value is not None}
    )
    values |= {"who": names.get(event.person or "", event.person or "drbot"), "run": event.run or "-"}
    values.setdefault("why", "")
    if event.step:
        values["step"] = event.step
    values["seal_short"] = _short(str(event.payload.get("seal", "")))
    seconds = event.payload.get("seconds")
    values["took"] = f" ({duration(seconds, language)})" if isinstance(seconds, (int, float)) else ""
    return " ".join(LINES[event.kind][language].format_map(values).split())


def _word(key: str, value: object) -> object:
    """What people decided or answered, in both languages."""
    return state_text(value) if key in ("decision", "answer") and isinstance(value, str) else value


def _plain(value: object, language: str) -> str:
    if isinstance(value, Mapping):
        return str(value.get(language) or value.get("en", ""))
    if isinstance(value, (list, tuple)):
        return ", ".join(str(part) for part in value)
    return said_in(language, str(value))


def _short(seal: str) -> str:
    return short_seal(seal) if len(seal) == 64 else seal
