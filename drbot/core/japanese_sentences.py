"""What workers write in English, sentence by sentence, and the same in Japanese (core/japanese.py says them).

`{steps}` are names of steps. A test looks for every English text in the code, so nothing here outlives its sentence.
"""

from collections.abc import Iterator, Mapping

from drbot.core.actions import PROBES
from drbot.core.japanese_backup_sentences import BACKUP_SENTENCES
from drbot.core.japanese_host_sentences import HOST
from drbot.core.japanese_slack_sentences import SLACK
from drbot.core.occupants import TITLES
from drbot.core.stakes_words import KEEPS

STATES: Mapping[str, str] = {
    "It is not known how far {steps} came; look before anything is started.": "{steps}がどこまで進んだか不明です。"
    "確認するまで何も起動しないでください。",
    "How far {steps} came is not known: nobody saw the end.": "{steps}がどこまで進んだか不明です (終わりを未確認)。",
    "Nothing was replaced.": "何も置き換えていません。",
    "Nothing in production was changed.": "本番は何も変更していません。",
    "Nothing that was there before was touched.": "以前からあったものには触れていません。",
    "The services are stopped; they can be started as they were.": "サービスは停止中です。元のまま起動できます。",
    "Not all services are known to run; look before they are started.": "サービスがすべて動いているか不明です。"
    "起動する前に確認してください。",
    "The services are stopped.": "サービスは停止中です。",
    "The services were started.": "サービスを起動しました。",
    "The restored copy is kept in {volume}.": "復元したコピーは {volume} に残しています。",
    "The data was replaced;": "データを置き換えました。",
    "the old data is kept.": "元のデータは保管しています。",
    "The new place is not complete.": "復旧先はまだ完成していません。",
    "The services run on the new host, but not everything of it is proven.": "新しいホストでサービスは動いていますが、"
    "確認が終わっていない項目があります。",
    "The system runs in the new place,": "新しい拠点でシステムは動いています。",
    "and users were led back.": "利用者は以前の向き先へ戻しました。",
    "but users have not been led there.": "利用者はまだ移していません。",
    "Users were led to the new place.": "利用者を新しい拠点へ移しました。",
    "Users were led back.": "利用者を以前の向き先へ戻しました。",
    "The names lead where they led before this run.": "DNS の向き先は、この実行の前と同じです。",
    "No name was changed.": "DNS は変更していません。",
    "It is not known whether the names were led back: /dr status says where they lead.": "DNS が戻ったか不明です。"
    "/dr status で向き先を確認してください。",
    "It is not known whether the machine is still there: /dr kept says so.": "マシンが残っているか不明です。"
    "/dr kept で確認してください。",
    "The machine was given back.": "マシンを返却しました。",
    "The machine is still there, and is paid for.": "マシンは残っており、課金が続きます。",
    "It is not known whether the kept data is still there.": "保管データが残っているか不明です。",
    "The kept data was deleted.": "保管データを削除しました。",
    "Nothing was deleted, and production was not touched.": "何も削除していません。本番にも触れていません。",
    "Production was not touched.": "本番には触れていません。",
}
"""How a run leaves things (core/safe_state.py)."""

ENDS: Mapping[str, str] = {
    "Done.": "完了しました。",
    "Done, but not everything passed: {steps}.": "完了しましたが、不合格があります: {steps}。",
    "Stopped:": "停止:",
    "A plan only: nothing was changed.": "計画のみで、何も変更していません。",
    "Nothing more of it is started.": "これ以上は何も開始しません。",
    "The request was denied.": "承認依頼は却下されました。",
    "The request was withdrawn.": "承認依頼は取り下げられました。",
    "The request expired before it could be used.": "承認依頼は実行前に期限切れになりました。",
    "The request is void: something is no longer as it was approved.": "承認時と状況が変わったため、"
    "承認依頼は無効です。",
    "The request was stopped.": "承認依頼は停止されました。",
    "The approval ended.": "承認は終了しました。",
    "{who} answered: no.": "{who} の回答: いいえ。",
    "It is not recovered, and the RTO clock runs on.": "未復旧で、RTO の時計は進み続けます。",
    "Production is as it was.": "本番は元のままです。",
    "What can be taken back was taken back.": "取り消せるものは取り消しました。",
    "Taken back: {steps}.": "取り消し済み: {steps}。",
    "Not taken back:": "取り消せなかったもの:",
    "What {steps} had made was removed.": "{steps}が作ったものは削除しました。",
    "What {steps} made is still there:": "{steps}が作ったものは残っています:",
    "What {steps} had made so far was removed.": "{steps}が途中まで作ったものは削除しました。",
    "What {steps} had made so far could not be removed:": "{steps}が途中まで作ったものを削除できません:",
    "/dr restart starts the services.": "/dr restart でサービスを起動できます。",
    "/dr undo brings the old data back.": "/dr undo で元のデータに戻せます。",
    "/dr recover tries again.": "/dr recover でもう一度復旧できます。",
    "/dr recover backup takes the next good one.": "/dr recover backup で次に使えるバックアップを使います。",
    "{run} had begun when its plan was taken out of the database. Look before anything is started.": "{run} の開始後に"
    "計画がデータベースから消されました。確認するまで何も起動しないでください。",
}
"""How it came to its end (runners/execution/endings.py)."""

ASKED: Mapping[str, str] = {
    "It is not known whether it was done.": "完了したか不明です。",
    "its worker died, so nobody knows whether it was done.": "ワーカーが停止し、完了したか不明です。",
    "Nothing of it is running any more.": "この手順で動いているものはもうありません。",
    "Whether something of it still runs could not be seen:": "まだ動いているものがあるか確認できません:",
    "It has no check that could tell.": "完了を確かめる検査がありません。",
    "Its check could not be asked:": "検査を実行できません:",
    "Its check failed:": "検査に不合格:",
    "Its check passes, so it looks done:": "検査は合格で、完了しているようです:",
    "Its check does not pass, so it looks not done:": "検査は不合格で、完了していないようです:",
    "If it is done all the same, two people must say so: settle it as done.": "それでも完了している場合は、"
    "二人が「完了済みとして続行」(settle … done) を選んでください。",
    "Nobody's word replaces this check; if it is done, settle it as done and the check is asked again.": "この検査は"
    "人の判断で代えられません。完了している場合は settle … done で検査をもう一度行います。",
    "Not needed:": "理由:",
}
"""What people are asked about a step (runners/execution/unsure.py, runners/execution/endings.py)."""

SURVEYS: Mapping[str, str] = {
    "Surveying for {runbook}.": "{runbook} の調査。",
    "Planning {runbook}.": "{runbook} の計画。",
    "Looking at what lies on the host.": "ホストの内容の調査。",
    "{names} denied exactly this in this incident.": "{names} がこのインシデントで同じ内容を却下しています。",
    "dr.yml proposes another roster or policy, seal {seal}. What was accepted before is in force until two approvers "
    "agree: /dr roster": "dr.yml に名簿・方針の変更案があります (封印 {seal})。承認者二人が同意するまで以前の内容が"
    "有効です: /dr roster",
    "See: /dr kept": "/dr kept で確認してください。",
    "Looked for a good full backup.": "使えるフルバックアップの検索。",
    "Looked for a good backup.": "使えるバックアップの検索。",
    "There is none:": "使えるものがありません:",
    "Put a good one there (drbot backup list --full shows what is there), then try again.": "使えるものを置いてから"
    "再実行してください (一覧: drbot backup list --full)。",
    "Put a good backup there (drbot backup list shows what is there), then try again.": "使えるバックアップを置いてから"
    "再実行してください (一覧: drbot backup list)。",
    "there is no repository of full backups": "フルバックアップのリポジトリがありません",
    "the backups there could not be listed:": "バックアップの一覧を取得できません:",
    "a backup there cannot be read:": "読めないバックアップがあります:",
    "it was made with": "作成時の鍵:",
    "another RESTIC_PASSWORD than this process has": "このワーカーと異なる RESTIC_PASSWORD",
    "a RESTIC_PASSWORD, and this process has none": "RESTIC_PASSWORD (このワーカーには未設定)",
    'it is of another system, "{system}"': "別のシステム「{system}」のものです",
    'it is of another site, "{site}"': "別の拠点「{site}」のものです",
    "has the same name and is not the same;": "同名で内容が異なります。",
    "A newer backup was refused:": "より新しいバックアップは使えません:",
    "Not known to be in the backup:": "バックアップに含まれると確認できないもの:",
    "The backup has no manifest: its rows are counted in the copy, not compared with its source.": "バックアップに"
    "マニフェストがありません。復元先の行数は数えますが、元との照合はできません。",
    "The backup was {age} old at this plan; backups.max_age is {most}.": "バックアップは計画時点で {age} 前のものです "
    "(上限 backups.max_age: {most})。",
    "The steps are those of a runbook of your own, not of one that comes with drbot:": "手順は drbot 付属ではなく、"
    "独自のランブックのものです:",
    "What ALTER SYSTEM has set, pg_hba.conf, postgresql.conf and PostgreSQL's certificates are not in the backup: "
    "set them anew.": "ALTER SYSTEM の設定、pg_hba.conf、postgresql.conf、PostgreSQL の証明書はバックアップに"
    "含まれません。設定し直してください。",
}
"""Why there can be no plan, and what a card warns of (runners/survey*.py, runners/backups/choose_full.py)."""


def _derived() -> Iterator[tuple[str, str]]:
    """What has its Japanese elsewhere: what is kept, what is on a host, what a probe asks."""
    for kept in KEEPS.values():
        if "{names}" in kept["en"]:
            yield f"{kept['en']}.", f"{kept['ja']}。"
            yield f"{kept['en'][0].upper()}{kept['en'][1:]}.", f"{kept['ja']}。"
    for title in TITLES.values():
        yield f"{title['en']}:", f"{title['ja']}:"
    for probe in PROBES.values():
        yield f"{probe.sentence['en'].capitalize()}? No:", f"次の条件を満たしていません: {probe.sentence['ja']}。"


WRITTEN: Mapping[str, str] = {**STATES, **ENDS, **ASKED, **SURVEYS, **HOST, **BACKUP_SENTENCES, **SLACK}
SENTENCES: Mapping[str, str] = {**dict(_derived()), **WRITTEN}
