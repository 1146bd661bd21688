"""The words of every decision about a vote, keyed by its code."""

from collections.abc import Mapping

from drbot.core.words import Text

REFUSALS: Mapping[str, Text] = {
    "not_live": {
        "en": "Not counted: this request has ended ({state}).",
        "ja": "無効: この承認依頼は終了しています ({state_ja})。",
    },
    "expired": {
        "en": "Not counted: the time to vote ended at {when}.",
        "ja": "無効: 投票期限 {when} を過ぎています。",
    },
    "roster_fault": {
        "en": "Not counted: no gate can open. {fault}",
        "ja": "無効: 承認を開始できません。{fault}",
    },
    "unknown_person": {
        "en": "Not counted: this account belongs to nobody on the roster in force. A change of dr.yml is in force once "
        "two people have accepted it: /dr roster",
        "ja": "無効: 有効な名簿にないアカウントです。dr.yml の変更は二人の同意後に有効になります: /dr roster",
    },
    "account": {
        "en": "Not counted: only active full members of this workspace may vote, no guests and no bots.",
        "ja": "無効: 投票できるのはこのワークスペースの正式メンバーだけです。",
    },
    "not_approver": {
        "en": "Not counted: you are not an approver. Approvers: {approvers}.",
        "ja": "無効: 承認者ではありません。承認者: {approvers}",
    },
    "requester": {
        "en": "Not counted: you asked for this, so others must approve it: {approvers}.",
        "ja": "無効: 依頼者本人は承認できません。承認者: {approvers}",
    },
    "old_plan": {
        "en": "Not counted: that is not the seal of the current plan. It changed, or was mistyped: look at it again.",
        "ja": "無効: 封印が最新の計画と一致しません (計画の変更か入力違い)。計画を見直してください。",
    },
    "wrong_target": {
        "en": 'Not counted: you typed "{typed}"; the target is "{target}".',
        "ja": "無効: 「{typed}」と入力されました。対象は「{target}」です。",
    },
    "no_reason": {
        "en": "Not counted: give a reason. It goes into the report.",
        "ja": "無効: 理由を入力してください。",
    },
    "too_new": {
        "en": "Not counted: you, your role, account or key are new on the roster; your vote counts from {when}.",
        "ja": "無効: 名簿への追加・変更から 24 時間たっていません。{when} から投票できます。",
    },
    "needs_code": {
        "en": "Not counted: a one-time code from your authenticator is needed. No code yet? /dr enrol",
        "ja": "無効: 認証アプリのワンタイムコードが必要です。未登録の場合は /dr enrol",
    },
    "wrong_code": {
        "en": "Not counted: that code is wrong or was used before. After five wrong ones codes are locked here.",
        "ja": "無効: コードが違うか使用済みです。5 回間違えるとこの入口はロックされます。",
    },
    "locked": {
        "en": "Not counted: five codes typed here were wrong, so none is taken from here. Elsewhere they still are. "
        "On the worker's host: drbot dr key unlock",
        "ja": "無効: ここで 5 回間違えたため、ここからのコードは受け付けません。別の入口からは投票できます。"
        "ワーカーのホストで drbot dr key unlock",
    },
    "paused": {
        "en": "Not counted: too many wrong codes from terminals. Wait half an hour or more, or approve in Slack, "
        "by phone or with your own key now.",
        "ja": "無効: 端末からの誤ったコードが多すぎます。30 分以上たつと再び受け付けます。"
        "Slack・電話・本人の鍵なら今すぐ投票できます。",
    },
    "not_enrolled": {
        "en": "Not counted: you have no authenticator enrolled at this site's worker. /dr enrol sets one up.",
        "ja": "無効: 認証アプリが登録されていません。/dr enrol で登録してください。",
    },
    "already_enrolled": {
        "en": "Not done: you have an authenticator already. A lost one is forgotten on the worker's host: "
        "drbot dr key forget",
        "ja": "不可: すでに登録済みです。紛失した場合はワーカーのホストで drbot dr key forget",
    },
    "unchecked": {
        "en": "Not counted: no worker of this site answered, so your code could not be checked. Try again.",
        "ja": "無効: ワーカーが応答せず、コードを確認できませんでした。もう一度お試しください。",
    },
    "needs_key": {
        "en": "Not counted: at a terminal you vote with your own key. Name its file with --key or DRBOT_KEY.",
        "ja": "無効: 端末からの投票には本人の鍵が必要です。--key または DRBOT_KEY で指定してください。",
    },
    "needs_phone_code": {
        "en": "Not counted: that code was not made by this person for this request, this seal and this decision.",
        "ja": "無効: このコードは、この人がこの依頼・封印・決定のために作ったものではありません。",
    },
    "break_glass_off": {
        "en": "Not done: the policy forbids break-glass (dr.yml, approvals, break_glass).",
        "ja": "不可: 緊急単独実行は許可されていません (dr.yml の approvals.break_glass)。",
    },
    "break_glass_host": {
        "en": "Not done: break-glass works only in a terminal on the recovery host, as the user the worker runs as.",
        "ja": "不可: 緊急単独実行は、復旧ホストの端末からワーカーのユーザーとしてのみ可能です。",
    },
    "break_glass_keeps": {
        "en": "Not done: this plan keeps no old data, so one person alone may not start it.",
        "ja": "不可: この計画は元のデータを保管しないため、一人では開始できません。",
    },
    "no_rule": {
        "en": "Not done: name the rule that you override (--rule).",
        "ja": "不可: 無効にする規則を --rule で示してください。",
    },
    "twice": {
        "en": "Already counted at {when}.",
        "ja": "{when} に受付済みです。",
    },
}

COUNTED: Mapping[str, Text] = {
    "approved": {"en": "Counted: {have} of {need}.", "ja": "承認を受け付けました: {have}/{need}"},
    "granted": {"en": "Counted: {have} of {need}. Approved.", "ja": "承認されました: {have}/{need}"},
    "held": {
        "en": "Break-glass: nothing starts before {when}. Until then any approver can veto with one no.",
        "ja": "緊急単独実行: {when} までは何も開始しません。それまでは承認者一人の却下で中止できます。",
    },
    "denied": {
        "en": "Denied. What was asked is not done; one no is enough.",
        "ja": "却下しました。依頼の内容は実行しません。",
    },
}
