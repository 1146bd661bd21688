"""What drbot says when Slack refuses something, and the same in Japanese."""

from collections.abc import Mapping

SLACK: Mapping[str, str] = {
    "I wanted to open a channel for this incident.": "このインシデントのチャンネルを開設できません。",
    "I wanted to invite the account {account} here.": "アカウント {account} を招待できません。",
    "I could not reach {person} directly.": "{person} にダイレクトメッセージを送れません。",
    "I wanted to tell the stakeholders in #{channel}, they were not told.": "#{channel} の関係者に連絡できていません。",
    "I wanted to upload {name}.": "{name} をアップロードできません。",
    "I could not write into the incident's channel.": "インシデントのチャンネルに書き込めません。",
    "I could not show the board.": "ボードを表示できません。",
    "I could not show the approval card here; the approvers get it directly.": "承認カードをここに表示できません。"
    "承認者には直接届けます。",
    "I could not renew a card that I had sent directly.": "直接送った承認カードを更新できません。",
    "I wanted to page the approvers.": "承認者を緊急呼び出しできません。",
    "The pager did not take it, {tries} times; drbot's log says why.": "送信に {tries} 回失敗しました"
    " (詳細は drbot のログ)。",
    "Call them.": "電話してください。",
    "Slack says {code} ({method}).": "Slack の応答: {code} ({method})。",
    "Reinstall the app from manifest.yml: it lacks a permission.": "権限が足りません。manifest.yml からアプリを"
    "再インストールしてください。",
    "Invite drbot to the channel: /invite @drbot": "drbot をチャンネルに招待してください: /invite @drbot",
    "Create the channel, invite drbot, and check `channels` in dr.yml.": "チャンネルを作って drbot を招待し、"
    "dr.yml の `channels` を確認してください。",
    "Unarchive the channel, or go on in the new one that drbot opens.": "チャンネルのアーカイブを解除するか、"
    "drbot が開く新しいチャンネルで続けてください。",
    "A workspace admin must allow the app to do this.": "ワークスペース管理者の許可が必要です。",
    "Rename the old channel.": "古いチャンネルの名前を変えてください。",
    "Check SLACK_BOT_TOKEN; reinstalling the app makes a new one.": "SLACK_BOT_TOKEN を確認してください"
    " (アプリの再インストールで作り直せます)。",
    "Check SLACK_BOT_TOKEN; the app was removed from the workspace.": "SLACK_BOT_TOKEN を確認してください"
    " (アプリがワークスペースから削除されています)。",
    "Check SLACK_BOT_TOKEN; the token was revoked.": "SLACK_BOT_TOKEN を確認してください (トークンは失効しています)。",
}
