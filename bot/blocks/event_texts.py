"""What each event says to people: milestones wake them in the channel, details go into the board's thread."""

from collections.abc import Mapping

from drbot.core.events import EventKind
from drbot.core.words import Text

MILESTONES: Mapping[EventKind, Text] = {
    EventKind.INCIDENT_DECLARED: {
        "en": ":rotating_light: {who} declared it: {title}",
        "ja": ":rotating_light: {who} が宣言しました: {title}",
    },
    EventKind.INCIDENT_LEVEL_CHANGED: {
        "en": ":arrow_up_down: {who} changed the level from {old} to {new}. {why}",
        "ja": ":arrow_up_down: {who} がレベルを {old} から {new} に変更しました。{why}",
    },
    EventKind.LEVEL_PROPOSED: {
        "en": ":bulb: drbot proposes level {level}: {why} `/dr level {level}` agrees.",
        "ja": ":bulb: drbot はレベル {level} を提案します: {why} `/dr level {level}` で変更できます。",
    },
    EventKind.RUN_PLANNED: {
        "en": ":clipboard: The plan is ready: {headline}. Seal `{seal}`.",
        "ja": ":clipboard: 計画ができました: {headline}。封印 `{seal}`",
    },
    EventKind.RUN_REFUSED: {
        "en": ":no_entry: This cannot work, so nothing was touched. {why} {todo} {next}",
        "ja": ":no_entry: 実行できないため、何も変更していません。{why} {todo} {next}",
    },
    EventKind.REQUEST_REMINDED: {
        "en": ":bell: Still waiting for {missing} approval(s), until {expires_at}. {mentions}",
        "ja": ":bell: 承認があと {missing} 件必要です。期限 {expires_at}。{mentions}",
    },
    EventKind.REQUEST_HELD: {
        "en": ":rotating_light: *BREAK-GLASS* by {who}, against the rule: {rule}. Reason: {reason} "
        "It starts after {starts_at} unless one approver presses Deny. {mentions}",
        "ja": ":rotating_light: *緊急単独実行* {who} が規則「{rule}」を無効にしました。理由: {reason} "
        "{starts_at} 以降に開始します。承認者一人の却下で中止できます。{mentions}",
    },
    EventKind.REVIEW_DUE: {
        "en": ":memo: The review of yesterday's break-glass is due. Was it right? What would have made it needless?",
        "ja": ":memo: 昨日の緊急単独実行の振り返りの期限です。妥当でしたか。避けるには何が必要でしたか。",
    },
    EventKind.REQUEST_GRANTED: {"en": ":white_check_mark: Approved.", "ja": ":white_check_mark: 承認されました。"},
    EventKind.REQUEST_DENIED: {
        "en": ":no_entry: {who} denied it: {reason}",
        "ja": ":no_entry: {who} が却下しました: {reason}",
    },
    EventKind.REQUEST_EXPIRED: {
        "en": ":hourglass: The approval request has expired.",
        "ja": ":hourglass: 承認依頼の期限が切れました。",
    },
    EventKind.REQUEST_VOID: {
        "en": ":warning: The approval is void: {why}",
        "ja": ":warning: 承認は無効になりました: {why}",
    },
    EventKind.INCIDENT_RECOVERING: {
        "en": ":hammer_and_wrench: Production is being changed now.",
        "ja": ":hammer_and_wrench: 本番環境の変更を開始しました。",
    },
    EventKind.STEP_VOUCHED: {
        "en": ":raised_hand: {who} says that {step} is done; its check does not agree. "
        "A second person must say so too.",
        "ja": ":raised_hand: {who} は「{step}」が完了していると判断しましたが、検査は合格していません。"
        "もう一人の確認が必要です。",
    },
    EventKind.STEP_DOUBTED: {
        "en": ":warning: {step} was settled as done, but it is not believed. {finding}",
        "ja": ":warning: 「{step}」は完了とされましたが、検査が合格していないため認められません。{finding}",
    },
    EventKind.RUN_BLOCKED: {
        "en": ":construction: Blocked. {why} {next}",
        "ja": ":construction: 中断しました。{why} {next}",
    },
    EventKind.RUN_STOP_REQUESTED: {
        "en": ":octagonal_sign: {who} asked to end the run. {why}",
        "ja": ":octagonal_sign: {who} が実行の終了を指示しました。{why}",
    },
    EventKind.RUN_STOPPED: {
        "en": ":octagonal_sign: Stopped. {safe_state} {why}",
        "ja": ":octagonal_sign: 停止しました。{safe_state} {why}",
    },
    EventKind.RUN_FAILED: {
        "en": ":x: The run failed at {step}: {why} {todo}",
        "ja": ":x: 「{step}」で失敗しました: {why} {todo}",
    },
    EventKind.RUN_SUCCEEDED: {
        "en": ":white_check_mark: The run ended well. {why}",
        "ja": ":white_check_mark: 実行は正常に完了しました。{why}",
    },
    EventKind.STEP_ASKED: {
        "en": ":question: *{text}*",
        "ja": ":question: *{text}*",
    },
    EventKind.INCIDENT_RECOVERED: {
        "en": ":tada: Recovered, the services passed their checks. Since the outage began (RTO): "
        "{rto_seconds}. Data lost (RPO): {rpo_seconds}. Services stopped during the recovery: {outage_seconds}.",
        "ja": ":tada: 復旧し、サービスの検査に合格しました。障害発生から (RTO): {rto_seconds}、"
        "失われたデータ (RPO): {rpo_seconds}、復旧作業中のサービス停止: {outage_seconds}",
    },
    EventKind.INCIDENT_NOT_RECOVERED: {
        "en": ":x: *{who}: users cannot work yet.* It is not recovered, and the RTO clock runs on.",
        "ja": ":x: *{who}: まだ利用できません。* 未復旧として扱い、RTO の時計は進み続けます。",
    },
    EventKind.INCIDENT_UNCONFIRMED: {
        "en": ":grey_question: The services passed their checks, but nobody has said whether users can work. "
        "`/dr answer yes` or `/dr answer no` does, at any time.",
        "ja": ":grey_question: サービスの検査には合格しましたが、利用できるかの回答がありません。"
        "`/dr answer yes` または `/dr answer no` でいつでも回答できます。",
    },
    EventKind.INCIDENT_RESOLVED: {
        "en": ":checkered_flag: {who} resolved the incident. {summary}",
        "ja": ":checkered_flag: {who} が解決済みにしました。{summary}",
    },
    EventKind.SITE_HELD: {
        "en": ":hourglass: Another drbot has this target: {owner}, for its {there}, since {since}. This recovery waits "
        "for it. Only if that drbot is dead, the commander types `/dr takeover {name} <why>`.",
        "ja": ":hourglass: 別の drbot ({owner}、{there}) が {since} から復旧対象を使用中のため、待機します。"
        "その drbot がもう動いていないと確認できた場合に限り、指揮者が `/dr takeover {name} <理由>` で引き継げます。",
    },
    EventKind.SITE_TAKEN_OVER: {
        "en": ":arrows_counterclockwise: {who} says that the other drbot is dead and took the target over: {why}",
        "ja": ":arrows_counterclockwise: {who} が、別の drbot はもう動いていないと判断し、復旧対象を引き継ぎました: "
        "{why}",
    },
    EventKind.CONTROL_FAILED: {
        "en": ":rotating_light: drbot could not do something itself. {what} {why} {todo}",
        "ja": ":rotating_light: drbot の処理に失敗しました。{what} {why} {todo}",
    },
}

DETAILS: Mapping[EventKind, Text] = {
    EventKind.RUN_NEEDS_DECISION: {"en": ":raised_hand: {question}", "ja": ":raised_hand: {question}"},
    EventKind.INCIDENT_CONFIRMED: {
        "en": "{who} confirms that users can work.",
        "ja": "{who} が利用できることを確認しました。",
    },
    EventKind.INCIDENT_NOTE: {"en": ":pushpin: {who}: {text}", "ja": ":pushpin: {who}: {text}"},
    EventKind.STATUS_UPDATE: {
        "en": "{who} told the stakeholders: {text}",
        "ja": "{who} が関係者に連絡しました: {text}",
    },
    EventKind.RUN_QUEUED: {"en": "Run {run} is queued ({runbook}).", "ja": "実行 {run} を登録しました ({runbook})。"},
    EventKind.RUN_CLAIMED: {"en": "A worker took {run} ({owner}).", "ja": "ワーカー {owner} が {run} を開始しました。"},
    EventKind.RUN_WAITING: {"en": "Waiting for people.", "ja": "担当者の操作を待っています。"},
    EventKind.RUN_RESUMED: {"en": "Going on. {why}", "ja": "再開します。{why}"},
    EventKind.RUN_HANDED_OVER: {"en": "The worker handed the run over.", "ja": "ワーカーが実行を手放しました。"},
    EventKind.STEP_STARTED: {"en": ":arrow_forward: {step}", "ja": ":arrow_forward: {step}"},
    EventKind.STEP_RETRIED: {"en": ":repeat: {step}, again: {why}", "ja": ":repeat: {step} を再試行: {why}"},
    EventKind.STEP_SUCCEEDED: {
        "en": ":heavy_check_mark: {step}: {summary} ({seconds})",
        "ja": ":heavy_check_mark: {step}: {summary} ({seconds})",
    },
    EventKind.STEP_FAILED: {"en": ":x: {step}: {why}{tail}", "ja": ":x: {step}: {why}{tail}"},
    EventKind.STEP_SKIPPED: {
        "en": ":fast_forward: {step} was not needed. {why}",
        "ja": ":fast_forward: {step} は不要でした。{why}",
    },
    EventKind.STEP_STOPPED: {
        "en": ":octagonal_sign: {step} was stopped. {why}",
        "ja": ":octagonal_sign: {step} を停止しました。{why}",
    },
    EventKind.STEP_UNSURE: {"en": ":grey_question: {step}: {why}", "ja": ":grey_question: {step}: {why}"},
    EventKind.STEP_SETTLED: {
        "en": "{who} decided about {step}: {decision}",
        "ja": "{who} が「{step}」を決定: {decision}",
    },
    EventKind.STEP_UNDONE: {
        "en": ":leftwards_arrow_with_hook: {step} was taken back. {summary}",
        "ja": ":leftwards_arrow_with_hook: {step} を取り消しました。{summary}",
    },
    EventKind.STEP_ANSWERED: {"en": "{who} answered {step}: {answer}", "ja": "{who} の回答 ({step}): {answer}"},
    EventKind.REQUEST_PROVEN: {
        "en": "The steps of the proof have ended: see the card.",
        "ja": "検証の手順が終わりました。結果はカードにあります。",
    },
    EventKind.REQUEST_USED: {"en": "The approval is used for {step}.", "ja": "承認を {step} に使用しました。"},
    EventKind.REQUEST_WITHDRAWN: {
        "en": "{who} withdrew the request. {reason}",
        "ja": "{who} が承認依頼を取り下げました。{reason}",
    },
    EventKind.REQUEST_STOPPED: {
        "en": "The approval request ended with STOP.",
        "ja": "停止により承認依頼は終了しました。",
    },
    EventKind.VOTE_COUNTED: {
        "en": "{who}: {decision}, {reason} ({have} of {need}, {door})",
        "ja": "{who}: {decision}、{reason} ({have}/{need}、{door})",
    },
    EventKind.VOTE_REFUSED: {
        "en": "A vote of {who} was not counted ({code}).",
        "ja": "{who} の投票は無効でした ({code})。",
    },
    EventKind.KEPT_CREATED: {
        "en": "The old data is kept: {volume} ({size}).",
        "ja": "元のデータを保管しました: {volume} ({size})",
    },
    EventKind.MACHINE_RENTED: {
        "en": "A rented machine is there: {machine} ({type}, {region}) for {site}.",
        "ja": "借りたマシンがあります: {machine} ({type}、{region})、拠点 {site}",
    },
    EventKind.MACHINE_GONE: {
        "en": "The rented machine {machine} of {site} is gone.",
        "ja": "{site} の借りたマシン {machine} はなくなりました。",
    },
}
