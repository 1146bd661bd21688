"""Stakeholder posts in plain language: what is affected, what we do, when the next news comes, expected end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drbot.bot.blocks.elements import TEXT, Block, context, escape, header, one_line, section
from drbot.commands.views.incident_view import IncidentView
from drbot.core.approval import RequestState
from drbot.core.clocks import minutes_up, next_update_by, up_to_minute
from drbot.core.incident import Incident, IncidentState, UsersSay
from drbot.core.level import Level
from drbot.core.run import RunState
from drbot.core.words import Text, duration, say

TITLES: Mapping[IncidentState, Text] = {
    IncidentState.DECLARED: {"en": "{system}: there is a problem", "ja": "{system}: 障害が発生しています"},
    IncidentState.RECOVERING: {"en": "{system}: being repaired", "ja": "{system}: 復旧作業中です"},
    IncidentState.RECOVERED: {"en": "{system}: works again", "ja": "{system}: 復旧しました"},
    IncidentState.RESOLVED: {"en": "{system}: resolved", "ja": "{system}: 対応を完了しました"},
}
AFFECTED: Mapping[Level, Text] = {
    Level.SERVICE: {"en": "One service does not work: {service}.", "ja": "一部のサービスが利用できません: {service}"},
    Level.DATABASE: {
        "en": "The data store is damaged. Signing in and all work with data may fail.",
        "ja": "データ保管に障害があります。ログインやデータの操作ができない場合があります。",
    },
    Level.HOST: {"en": "The whole system is down.", "ja": "システム全体が停止しています。"},
    Level.DATACENTRE: {"en": "The whole site is down.", "ja": "拠点全体が停止しています。"},
}
DOING: Mapping[IncidentState, Text] = {
    IncidentState.DECLARED: {
        "en": "We are finding out what is needed and preparing the repair.",
        "ja": "原因の調査と復旧の準備を進めています。",
    },
    IncidentState.RECOVERING: {"en": "The repair is under way.", "ja": "復旧作業を実施しています。"},
    IncidentState.RECOVERED: {
        "en": "The services answer again. We are confirming it with people.",
        "ja": "サービスは再び応答しています。最終確認を行っています。",
    },
    IncidentState.RESOLVED: {"en": "The incident is closed.", "ja": "本件の対応は終了しました。"},
}
NOT_YET: Text = {"en": "{system}: does not work yet", "ja": "{system}: まだ利用できません"}
STILL_BROKEN: Text = {
    "en": "The repair was made, but people cannot work yet. We are on it.",
    "ja": "復旧作業を行いましたが、まだ利用できません。対応を続けています。",
}
UNCONFIRMED: Text = {
    "en": "The services answer again. No person has confirmed yet that it works.",
    "ja": "サービスは再び応答しています。利用できるかはまだ確認されていません。",
}
CONFIRMED: Text = {
    "en": "The services answer again, and people confirmed that it works.",
    "ja": "サービスは再び応答し、利用できることを確認しました。",
}
PREPARED: Text = {
    "en": "The repair is being prepared; nothing is replaced without approval.",
    "ja": "復旧の準備中です。承認なしに置き換えは行いません。",
}
STUCK: Text = {"en": "A decision by our team is needed before it goes on.", "ja": "続行には担当者の判断が必要です。"}
LOST: Text = {
    "en": "What was entered from {age} before the outage until the repair has to be entered again.",
    "ja": "障害発生の {age} 前から復旧作業までの入力内容は、再度の入力が必要です。",
}
AFTER_PEOPLE: Text = {
    "en": "Once our team has decided, we expect it to take {rest} more.",
    "ja": "担当者の判断後、あと {rest} ほどで復旧する見込みです。",
}
LATE: Text = {
    "en": "It takes longer than we expected; we are on it.",
    "ja": "予定より時間がかかっていますが、作業を続けています。",
}
EXPECTED: Text = {"en": "We expect to be back at about {when} UTC.", "ja": "復旧見込み: {when} (UTC) 頃"}
TOOK: Text = {"en": "From the outage until it worked again: {used}.", "ja": "障害発生から復旧まで: {used}"}
NEXT: Text = {"en": "Next update at {when} UTC at the latest.", "ja": "次回の連絡: 遅くとも {when} (UTC)"}
SAYS: Text = {"en": "*{who}:* {words}", "ja": "*{who}:* {words}"}

STUCK_STATES = frozenset({RunState.NEEDS_DECISION, RunState.BLOCKED, RunState.FAILED, RunState.STOPPED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A person's own words; two people's are never put into one mouth."""

    who: str
    words: str


def status_post(situation: IncidentView, said_by: Sequence[Said] = ()) -> list[Block]:
    """The post about the incident as it is now, and what people say themselves."""
    language = situation.language
    said = [section(say(SAYS, language, who=one_line(one.who), words=escape(one.words))) for one in said_by]
    lines = "\n".join(_lines(situation))
    return [header(_title(situation)), *said, section(lines), context(_next(situation))]


def status_sentence(situation: IncidentView, said_by: Sequence[Said] = ()) -> str:
    """The same as one line of text."""
    words = " ".join(f"{one.who}: {one.words}" for one in said_by) or " ".join(_lines(situation)[:2])
    return one_line(f"{_title(situation)} ({situation.incident.name}). {words}", TEXT)


def _title(situation: IncidentView) -> str:
    title = NOT_YET if _is_denied(situation.incident) else TITLES[situation.incident.state]
    return say(title, situation.language, system=situation.configuration.system)


def _is_denied(incident: Incident) -> bool:
    """People say that it does not work, whatever the checks said."""
    return incident.state is IncidentState.RECOVERING and incident.users_say is UsersSay.NO


def _lines(situation: IncidentView) -> list[str]:
    language, incident = situation.language, situation.incident
    is_over = incident.state in (IncidentState.RECOVERED, IncidentState.RESOLVED)
    lines = []
    if not is_over:
        service = incident.service or incident.title
        lines.append(one_line(say(AFFECTED[incident.level], language, service=service)))
    lines.append(_doing(situation))
    lines += _times(situation)
    if is_over and incident.rpo_seconds:  # a backup is in place: before that nothing has to be entered again
        lines.append(say(LOST, language, age=duration(incident.rpo_seconds, language)))
    return lines


def _doing(situation: IncidentView) -> str:
    incident, run, language = situation.incident, situation.run, situation.language
    if _is_denied(incident):
        return say(STILL_BROKEN, language)
    if incident.state is IncidentState.RECOVERED and incident.users_say is not None:
        return say(CONFIRMED if incident.users_say is UsersSay.YES else UNCONFIRMED, language)
    if incident.state in (IncidentState.DECLARED, IncidentState.RECOVERING) and run is not None:
        if run.state in STUCK_STATES:
            return say(STUCK, language)
        if incident.state is IncidentState.DECLARED and run.plan is not None:
            return say(PREPARED, language)
    return say(DOING[incident.state], language)


def _times(situation: IncidentView) -> list[str]:
    clocks, language = situation.clocks, situation.language
    if situation.incident.rto_seconds is not None:
        return [say(TOOK, language, used=duration(situation.incident.rto_seconds, language))]
    run = situation.run
    if clocks.rto_forecast is None or run is None or run.state in STUCK_STATES or run.is_over:
        return []
    late = [say(LATE, language)] if clocks.is_late else []
    if _waits_for_people(situation):
        rest = duration(minutes_up(clocks.rest or 0.0), language)
        return [*late, say(AFTER_PEOPLE, language, rest=rest)]
    end = up_to_minute(situation.incident.started_at + timedelta(seconds=clocks.rto_forecast))
    return [*late, say(EXPECTED, language, when=_hour(end))]


def _waits_for_people(situation: IncidentView) -> bool:
    """No hour can be promised while two people have not agreed yet."""
    is_asked = situation.request is not None and situation.request.state is RequestState.OPEN
    return is_asked or (situation.run is not None and situation.run.state is RunState.WAITING)


def _next(situation: IncidentView) -> str:
    incident = situation.incident
    name = escape(incident.name)
    if incident.state is IncidentState.RESOLVED:
        return name
    cadence = situation.configuration.cadence.of(incident.level.value)
    return f"{name} · {say(NEXT, situation.language, when=_hour(next_update_by(situation.now, cadence)))}"


def _hour(moment: datetime) -> str:
    return f"{moment:%H:%M}"
