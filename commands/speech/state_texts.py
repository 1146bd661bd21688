"""The words for every state of an incident, a run, a step and a request: each surface says these and no others."""

from collections.abc import Mapping

from drbot.commands.speech.messages import text
from drbot.core.approval import RequestState
from drbot.core.incident import Incident, IncidentState, UsersSay
from drbot.core.run import Run, RunState, StepState
from drbot.core.state_words import REQUESTS
from drbot.core.words import Text

INCIDENT: Mapping[IncidentState, Text] = {
    IncidentState.DECLARED: text("declared, production not touched yet", "宣言済み (本番は未変更)"),
    IncidentState.RECOVERING: text("recovering", "復旧中"),
    IncidentState.RECOVERED: text("recovered, the services passed their checks", "復旧済み (サービスの検査に合格)"),
    IncidentState.RESOLVED: text("resolved", "解決済み"),
}
NOT_RECOVERED = text(
    "not recovered: a person says that users cannot work yet", "未復旧 (利用できないと報告されています)"
)
CONFIRMED = text("recovered; a person confirmed that users can work", "復旧済み (利用できることを確認)")
UNCONFIRMED = text(
    "the services passed their checks; nobody has confirmed yet that users can work",
    "サービスの検査に合格 (利用できるかは未確認)",
)

RUN: Mapping[RunState, Text] = {
    RunState.QUEUED: text("waiting for a worker of {site}", "{site} のワーカーの開始待ち"),
    RunState.RUNNING: text("at work", "実行中"),
    RunState.WAITING: text("waiting for people", "担当者の操作待ち"),
    RunState.NEEDS_DECISION: text("a person must decide how to go on", "担当者の判断が必要"),
    RunState.BLOCKED: text("blocked: people choose how to go on", "中断 (次の操作の選択待ち)"),
    RunState.SUCCEEDED: text("the run succeeded", "実行は正常に完了"),
    RunState.FAILED: text("the run failed", "実行は失敗"),
    RunState.STOPPED: text("the run was stopped", "実行は停止"),
}
STOPPING = text("being stopped", "停止処理中")
LOOKING = text("looking at the system, changing nothing", "システムを調査中 (変更なし)")
OTHER_DRBOT = text("waiting for another drbot, which has the target", "復旧対象を使用中の別の drbot を待機中")
NOT_ALL_PASSED = text("the run ended, but not everything passed", "実行は終了したが不合格の検査あり")

STEP: Mapping[StepState, Text] = {
    StepState.PENDING: text("not begun", "未着手"),
    StepState.RUNNING: text("at work", "実行中"),
    StepState.WAITING: text("waiting", "操作待ち"),
    StepState.SUCCEEDED: text("done", "完了"),
    StepState.FAILED: text("failed", "失敗"),
    StepState.SKIPPED: text("not needed", "不要"),
    StepState.STOPPED: text("stopped", "停止"),
    StepState.UNSURE: text("unsure: did it finish?", "完了したか不明"),
    StepState.UNDONE: text("taken back", "取り消し済み"),
}
REQUEST: Mapping[RequestState, Text] = {state: REQUESTS[state] for state in RequestState}


def incident_text(incident: Incident) -> Text:
    """Its state, and what people said about it."""
    if incident.state is IncidentState.RECOVERING and incident.users_say is UsersSay.NO:
        return NOT_RECOVERED
    if incident.state is IncidentState.RECOVERED and incident.users_say is not None:
        return CONFIRMED if incident.users_say is UsersSay.YES else UNCONFIRMED
    return INCIDENT[incident.state]


def run_text(run: Run) -> Text:
    """How the run is: what is to stop, or waits for somebody else, says so first."""
    if run.stop_requested is not None and not run.is_over:
        return STOPPING
    if run.waits_for_drbot is not None and not run.is_over:
        return OTHER_DRBOT
    if run.plan is None and run.state is RunState.RUNNING:
        return LOOKING
    if run.missed:
        return NOT_ALL_PASSED
    return {language: words.format(site=run.site) for language, words in RUN[run.state].items()}


def now_text(incident: Incident, run: Run | None) -> Text:
    """Both in one line."""
    said = incident_text(incident)
    if run is None:
        return said
    of_run = run_text(run)
    return text(f"{said['en']}; {of_run['en']}", f"{said['ja']}、{of_run['ja']}")


def titled(words: Text) -> Text:
    """The same words at the beginning of a line."""
    return text(f"{words['en'][0].upper()}{words['en'][1:]}", words["ja"])


def sentence_of(words: Text) -> Text:
    """The same words as a sentence of their own."""
    return text(f"{titled(words)['en']}.", f"{words['ja']}。")
