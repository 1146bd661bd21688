"""What each event says, to whom: one sentence for the channel, the board's thread, the timeline and the report.

{who} the person · {step} its title · {run} · {name} the incident · all of the payload; what is missing stays empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from drbot.commands.speech.messages import text
from drbot.core.events import EventKind
from drbot.core.words import Text


class Audience(StrEnum):
    """Where an event is told beside the timeline and the report, which tell all."""

    CHANNEL = "channel"  # wakes people
    THREAD = "thread"  # of the board
    RECORD = "record"  # nowhere else, or by a surface of its own


@dataclass(frozen=True, kw_only=True, slots=True)
class EventText:
    """`hint`: what can be done about it, said where people can do it; it may need values that only Slack has."""

    audience: Audience
    icon: str  # the name of an emoji; empty: none
    text: Text
    hint: Text | None = None


def _channel(icon: str, en: str, ja: str, hint: Text | None = None) -> EventText:
    return EventText(audience=Audience.CHANNEL, icon=icon, text=text(en, ja), hint=hint)


def _thread(icon: str, en: str, ja: str, hint: Text | None = None) -> EventText:
    return EventText(audience=Audience.THREAD, icon=icon, text=text(en, ja), hint=hint)


def _record(en: str, ja: str) -> EventText:
    return EventText(audience=Audience.RECORD, icon="", text=text(en, ja))


_NEXT = text("{next}", "{next}")
_TODO = text("{todo}", "{todo}")

EVENT_TEXTS: Mapping[EventKind, EventText] = {
    EventKind.INCIDENT_DECLARED: _channel(
        "rotating_light", "{who} declared level {level}: {title}", "{who} がレベル {level} を宣言しました: {title}"
    ),
    EventKind.INCIDENT_LEVEL_CHANGED: _channel(
        "arrow_up_down",
        "{who} changed the level from {old} to {new}. {why}",
        "{who} がレベルを {old} から {new} に変更しました。{why}",
    ),
    EventKind.INCIDENT_CHANNEL_OPENED: _record("Channel #{name} was opened.", "チャンネル #{name} を開設しました。"),
    EventKind.INCIDENT_RECOVERING: _channel(
        "hammer_and_wrench", "Production is changed from here on.", "ここから本番環境を変更します。"
    ),
    EventKind.INCIDENT_RECOVERED: _channel(
        "tada",
        "Recovered: the services passed their checks. Since the outage began (RTO): {rto_seconds}. "
        "Data lost (RPO): {rpo_seconds}. Services stopped during the recovery: {outage_seconds}.",
        "復旧し、サービスの検査に合格しました。障害発生から (RTO): {rto_seconds}、"
        "失われたデータ (RPO): {rpo_seconds}、復旧作業中のサービス停止: {outage_seconds}",
    ),
    EventKind.INCIDENT_CONFIRMED: _thread(
        "", "{who} confirms that users can work.", "{who} が利用できることを確認しました。"
    ),
    EventKind.INCIDENT_NOT_RECOVERED: _channel(
        "x",
        "{who}: users cannot work yet. It is not recovered, and the RTO clock runs on.",
        "{who}: まだ利用できません。未復旧として扱い、RTO の時計は進み続けます。",
    ),
    EventKind.INCIDENT_UNCONFIRMED: _channel(
        "grey_question",
        "The services passed their checks, but nobody has said whether users can work.",
        "サービスの検査には合格しましたが、利用できるかの回答がありません。",
        hint=text(
            "`/dr answer yes` or `/dr answer no` does, at any time.",
            "`/dr answer yes` または `/dr answer no` でいつでも回答できます。",
        ),
    ),
    EventKind.INCIDENT_RESOLVED: _channel(
        "checkered_flag", "{who} resolved the incident. {summary}", "{who} が解決済みにしました。{summary}"
    ),
    EventKind.INCIDENT_NOTE: _thread("pushpin", "{who}: {text}", "{who}: {text}"),
    EventKind.STATUS_UPDATE: _thread("", "{who} told the stakeholders: {text}", "{who} が関係者に連絡しました: {text}"),
    EventKind.STATUS_DUE: _record("Regular post to the stakeholders.", "関係者への定期連絡。"),
    EventKind.LEVEL_PROPOSED: _channel(
        "bulb",
        "drbot proposes level {level}: {why}",
        "drbot はレベル {level} を提案します: {why}",
        hint=text("`/dr level {level}` agrees.", "`/dr level {level}` で変更できます。"),
    ),
    EventKind.RUN_QUEUED: _thread(
        "", "{who} started {runbook} ({run}).", "{who} が {runbook} を開始しました ({run})。"
    ),
    EventKind.RUN_CLAIMED: _thread("", "A worker took {run} ({owner}).", "ワーカー {owner} が {run} を担当します。"),
    EventKind.RUN_PLANNED: _channel(
        "clipboard",
        "The plan is ready: {headline}. Seal `{seal}`.",
        "計画ができました: {headline}。封印 `{seal}`",
    ),
    EventKind.RUN_REFUSED: _channel(
        "no_entry",
        "This cannot work, so nothing was touched. {why} {todo}",
        "実行できないため、何も変更していません。{why} {todo}",
        hint=_NEXT,
    ),
    EventKind.RUN_WAITING: _thread("", "Waiting for people.", "担当者の操作を待っています。"),
    EventKind.SITE_HELD: _channel(
        "hourglass",
        "Another drbot has this target: {owner}, for its {there}, since {since}. This recovery waits for it.",
        "別の drbot ({owner}、{there}) が {since} から復旧対象を使用中のため、待機します。",
        hint=text(
            "Only if that drbot is dead, the commander types `/dr takeover {name} <why>`.",
            "その drbot がもう動いていないと確認できた場合に限り、"
            "指揮者が `/dr takeover {name} <理由>` で引き継げます。",
        ),
    ),
    EventKind.SITE_TAKEN_OVER: _channel(
        "arrows_counterclockwise",
        "{who} says that the other drbot is dead and took the target over: {why}",
        "{who} が、別の drbot はもう動いていないと判断し、復旧対象を引き継ぎました: {why}",
    ),
    EventKind.RUN_RESUMED: _thread("", "It goes on. {why}", "再開します。{why}"),
    EventKind.RUN_NEEDS_DECISION: _thread("raised_hand", "{question}", "{question}"),
    EventKind.RUN_BLOCKED: _channel("construction", "Blocked. {why}", "中断しました。{why}", hint=_NEXT),
    EventKind.RUN_STOP_REQUESTED: _channel(
        "octagonal_sign", "{who} asked to end the run. {why}", "{who} が実行の終了を指示しました。{why}"
    ),
    EventKind.RUN_HANDED_OVER: _thread(
        "", "The worker {owner} handed the run over.", "ワーカー {owner} が実行を手放しました。"
    ),
    EventKind.RUN_SUCCEEDED: _channel("white_check_mark", "The run succeeded.", "実行は正常に完了しました。"),
    EventKind.RUN_FAILED: _channel(
        "x", "The run failed at {step}: {why}", "「{step}」で失敗しました: {why}", hint=_TODO
    ),
    EventKind.RUN_STOPPED: _channel(
        "octagonal_sign", "Stopped. {safe_state} {why}", "停止しました。{safe_state} {why}"
    ),
    EventKind.STEP_STARTED: _thread("arrow_forward", "{step} began.", "{step} を開始しました。"),
    EventKind.STEP_RETRIED: _thread("repeat", "{step}, again: {why}", "{step} を再試行: {why}"),
    EventKind.STEP_SUCCEEDED: _thread(
        "heavy_check_mark", "{step}: {summary} ({seconds})", "{step}: {summary} ({seconds})"
    ),
    EventKind.STEP_FAILED: _thread("x", "{step} failed: {why}", "{step} 失敗: {why}", hint=text("{tail}", "{tail}")),
    EventKind.STEP_SKIPPED: _thread("fast_forward", "{step} was not needed. {why}", "{step} は不要でした。{why}"),
    EventKind.STEP_STOPPED: _thread("octagonal_sign", "{step} was stopped. {why}", "{step} を停止しました。{why}"),
    EventKind.STEP_UNSURE: _thread(
        "grey_question", "Nobody knows whether {step} was done: {why}", "{step} が完了したか不明です: {why}"
    ),
    EventKind.STEP_SETTLED: _thread(
        "", "{who} decided about {step}: {decision}", "{who} が「{step}」を決定: {decision}"
    ),
    EventKind.STEP_VOUCHED: _channel(
        "raised_hand",
        "{who} says that {step} is done; its check does not agree. A second person must say so too.",
        "{who} は「{step}」が完了していると判断しましたが、検査は合格していません。もう一人の確認が必要です。",
    ),
    EventKind.STEP_DOUBTED: _channel(
        "warning",
        "{step} was settled as done, but it is not believed. {finding}",
        "「{step}」は完了とされましたが、検査が合格していないため認められません。{finding}",
    ),
    EventKind.STEP_UNDONE: _thread(
        "leftwards_arrow_with_hook", "{step} was taken back. {summary}", "{step} を取り消しました。{summary}"
    ),
    EventKind.STEP_ASKED: _channel("question", "{text}", "{text}"),
    EventKind.STEP_ANSWERED: _thread("", "{who} answered {step}: {answer}", "{who} の回答 ({step}): {answer}"),
    EventKind.REQUEST_OPENED: _record("{people} approvals are asked for.", "{people} 人の承認を依頼しました。"),
    EventKind.REQUEST_REMINDED: _channel(
        "bell",
        "Still waiting for {missing} approval(s), until {expires_at}.",
        "承認があと {missing} 件必要です。期限 {expires_at}。",
    ),
    EventKind.REQUEST_GRANTED: _channel("white_check_mark", "Approved.", "承認されました。"),
    EventKind.REQUEST_PROVEN: _thread(
        "", "The steps of the proof have ended: see the card.", "検証の手順が終わりました。結果はカードにあります。"
    ),
    EventKind.REQUEST_USED: _thread("", "The approval is used for {step}.", "承認を {step} に使用しました。"),
    EventKind.REQUEST_DENIED: _channel("no_entry", "{who} denied it: {reason}", "{who} が却下しました: {reason}"),
    EventKind.REQUEST_WITHDRAWN: _thread(
        "", "{who} withdrew the request. {reason}", "{who} が承認依頼を取り下げました。{reason}"
    ),
    EventKind.REQUEST_EXPIRED: _channel(
        "hourglass", "The approval request has expired.", "承認依頼の期限が切れました。"
    ),
    EventKind.REQUEST_VOID: _channel("warning", "The approval is void: {why}", "承認は無効になりました: {why}"),
    EventKind.REQUEST_STOPPED: _thread(
        "", "The approval request ended with STOP.", "停止により承認依頼は終了しました。"
    ),
    EventKind.REQUEST_HELD: _channel(
        "rotating_light",
        "BREAK-GLASS by {who}, against the rule: {rule}. Reason: {reason}",
        "緊急単独実行: {who} が規則「{rule}」を無効にしました。理由: {reason}",
        hint=text(
            "It starts after {starts_at} unless one approver presses Deny.",
            "{starts_at} 以降に開始します。承認者一人の却下で中止できます。",
        ),
    ),
    EventKind.REVIEW_DUE: _channel(
        "memo",
        "The review of yesterday's break-glass is due. Was it right? What would have made it needless?",
        "昨日の緊急単独実行の振り返りの期限です。妥当でしたか。避けるには何が必要でしたか。",
    ),
    EventKind.ROSTER_PROPOSED: _record(
        "dr.yml proposes another roster or policy.", "dr.yml が名簿・方針の変更を提案しています。"
    ),
    EventKind.ROSTER_VOTED: _record("{who} agreed to the proposed roster.", "{who} が名簿の変更に同意しました。"),
    EventKind.ROSTER_ACCEPTED: _record("The roster and the policy are in force.", "名簿と方針が発効しました。"),
    EventKind.FACTOR_ENROLLED: _record("{who} enrolled an authenticator.", "{who} が認証アプリを登録しました。"),
    EventKind.FACTOR_REFUSED: _record(
        "Wrong code for {who}, from {entrance} {place}.", "{who} への誤ったコード ({entrance} {place})。"
    ),
    EventKind.FACTOR_LOCKED: _record(
        "Codes for {who} from {entrance} {place} are locked.",
        "{entrance} {place} からの {who} のコードをロックしました。",
    ),
    EventKind.FACTOR_RESET: _record("The authenticator of {who}: {what}.", "{who} の認証アプリ: {what}。"),
    EventKind.VOTE_COUNTED: _thread(
        "", "{who}: {decision}, {reason} ({have} of {need})", "{who}: {decision}、{reason} ({have}/{need})"
    ),
    EventKind.VOTE_REFUSED: _thread("", "Vote of {who}: {why}", "{who} の投票: {why}"),
    EventKind.COMMAND_REFUSED: _record("{who}: {verb} was refused: {why}", "{who}: {verb} を拒否しました: {why}"),
    EventKind.KEPT_CREATED: _thread(
        "", "The old data is kept: {volume} ({size}).", "元のデータを保管しました: {volume} ({size})"
    ),
    EventKind.KEPT_ASKED: EventText(
        audience=Audience.RECORD,
        icon="package",
        text=text(
            "The old data of {original} is still kept in `{volume}` ({size}), since {since}. Is it still needed?",
            "{original} の元のデータを `{volume}` ({size}) に {since} から保管しています。まだ必要ですか。",
        ),
        hint=text(
            "Nothing is deleted unless two people agree; without an answer it stays.",
            "二人が承認しない限り削除せず、回答がなければ保管を続けます。",
        ),
    ),
    EventKind.MACHINE_RENTED: _thread(
        "",
        "A rented machine is there: {machine} ({type}, {region}) for {site}.",
        "借りたマシンがあります: {machine} ({type}、{region})、拠点 {site}",
    ),
    EventKind.MACHINE_GONE: _thread(
        "",
        "The rented machine {machine} of {site} is gone.",
        "{site} の借りたマシン {machine} はなくなりました。",
    ),
    EventKind.UNREADABLE: _record(
        "A record that cannot be read: drbot audit verify", "読めない記録があります: drbot audit verify"
    ),
    EventKind.STATE_SIGNED_BY: _record(
        "The worker of {site} signs copies of drbot's state from here on.",
        "以後 {site} のワーカーが状態の控えに署名します。",
    ),
    EventKind.STATE_BROUGHT_BACK: _record(
        "drbot's state came back from {place}, as of record {record}.",
        "drbot の状態を {place} から復旧しました (記録 {record} まで)。",
    ),
    EventKind.CONTROL_FAILED: _channel(
        "rotating_light",
        "drbot could not do something itself. {what} {why}",
        "drbot の処理に失敗しました。{what} {why}",
        hint=_TODO,
    ),
}

ENDED_BY_ANSWER = _channel(
    "raised_hand",
    "The recovery ended with this answer.",
    "まだ復旧していません。自動処理はここで止まりました。",
    hint=text("Choose how to go on.", "次の操作を選んでください。"),
)
"""A run that failed because people said no: who said it is told by an event of its own."""
NOT_ALL_PASSED = _channel(
    "warning",
    "The run ended, but not everything passed: {missed}.",
    "実行は終わりましたが、不合格の検査があります: {missed}",
)
FAILED_NOWHERE = _channel("x", "The run failed: {why}", "実行は失敗しました: {why}", hint=_TODO)
"""At no step: its plan is not believed any more, or another service is the cause."""
ENDS_WITH_ANOTHER = _channel(
    "octagonal_sign",
    "This run ends, because one that belongs to it ended. {why}",
    "関連する実行が終わったため、この実行も終了します。{why}",
)
"""Nobody asked for that, whoever is noted with it."""
