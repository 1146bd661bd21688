"""What actions and probes say of a host, of rented machines and of names, and the same in Japanese."""

from collections.abc import Mapping

HOST: Mapping[str, str] = {
    "Make room on the new host, or give it a larger disk": "新しいホストの空きを増やすか、ディスクを大きくしてください",
    "Make room on the target": "対象の空きを増やしてください",
    "Stop what has the port, rename what has the name; drbot does not touch what is not this system's": "ポートを"
    "使うものは停止し、名前が同じものは改名してください。このシステム以外のものに drbot は触れません",
    "Give the worker the right to change the zone, or correct `dns` in dr.yml": "ワーカーに DNS ゾーンの変更権限を"
    "与えるか、dr.yml の `dns` を直してください",
    "See to it that nobody needs the machine": "マシンを誰も必要としない状態にしてください",
    "Give the worker the right to make machines, or correct `provision` in dr.yml": "ワーカーにマシンの作成権限を"
    "与えるか、dr.yml の `provision` を直してください",
    "replaced: {verb}": "別の操作 ({verb}) に切り替え",
    "level changed to {level}": "レベル {level} への変更",
    ", then ask again: {command}": "。その後もう一度: {command}",
    "{size} free for {folder}, {need} needed": "{folder} の空き {size}、必要 {need}",
    "Had stopped meanwhile and was started again: {names}.": "途中で停止していたため再起動: {names}。",
    "port {port} is taken by the container {name}": "ポート {port} はコンテナ {name} が使用中",
    "port {port} is taken by a program on this host": "ポート {port} はこのホストのプログラムが使用中",
    "a container of somebody else's is named {name}": "コンテナ名 {name} は別のコンテナが使用中",
    "{names} would be gone with all it wrote as soon as it is stopped (it was made with --rm).": "{names} は --rm で"
    "作られているため、停止すると書き込みごと消えます。",
    "Keep what is needed of it and stop it, then plan again: /dr recover": "必要なデータを保存してから停止し、"
    "もう一度: /dr recover",
    "{names} also uses the volume {volume} and is of no project of this system, so drbot leaves it alone.": "{names} も"
    "ボリューム {volume} を使用中です。このシステムのものではないため、drbot は触れません。",
    "Remove it (docker rm -f {names}) or add it to dr.yml, then plan again: /dr recover": "削除する"
    " (docker rm -f {names}) か dr.yml に追加してから、もう一度: /dr recover",
    "{names} also uses the volume {volume} and is no service of dr.yml, so no step would stop it.": "{names} も"
    "ボリューム {volume} を使用中です。dr.yml にないため、どの手順でも停止されません。",
    "{names}: on this host under the name of this run, {run}, which has made nothing yet.": "{names}: まだ何も"
    "作っていないこの実行 {run} の名前でホストにあります。",
    "Ask once more, so that a run of a new name is planned: /dr recover": "もう一度依頼し、新しい名前の実行で計画して"
    "ください: /dr recover",
    "Stop it (docker stop {names}) or add it to dr.yml, then plan again: /dr recover": "停止する (docker stop {names})"
    " か dr.yml に追加してから、もう一度: /dr recover",
    "Nobody agreed that {names} is put aside: it is not what the plan names. Nothing was touched; plan again: "
    "/dr recover": "{names} の退避は承認されていません (計画にないもの)。何も変更していません。もう一度: /dr recover",
    "The volume {name} is in use by {users}; it was not touched": "ボリューム {name} は {users} が使用中のため、"
    "触れていません",
    "The volume {keeper} holds what this run did not put there; neither was touched": "ボリューム {keeper} には"
    "この実行以外のデータがあるため、どちらにも触れていません",
    "The image {keeper} holds what this run did not put there; nothing was touched": "イメージ {keeper} は"
    "この実行のものではないため、何も変更していません",
    "The data of {source} could not be copied to {target}:": "{source} のデータを {target} へコピーできません:",
    "written to after it was kept: {path}. Look at both volumes": "退避後に書き込みがあります: {path}。"
    "両方のボリュームを確認してください",
    "The container {name} is not kept in {keeper}, so it is not removed": "コンテナ {name} は {keeper} に"
    "保管できていないため、削除しません",
    "{folder} could not be put aside:": "{folder} を退避できません:",
    "{keeper} exists already; nothing was touched": "{keeper} が既にあるため、何も変更していません",
    "Nothing of the system runs here any more; kept:": "ここで動いているシステムはもうありません。保管したもの:",
    "Nothing of the system is here": "このシステムのものはありません",
    "Nothing that {run} put aside is on this host.": "{run} が退避したものはこのホストにありません。",
    "Not kept any more: {names}. Nothing was touched": "もう保管されていません: {names}。何も変更していません",
    "{count} kept things are there": "保管したもの {count} 件があります",
    "{count} things are back": "{count} 件が元に戻っています",
    "Back as before {run}:": "{run} の前の状態に戻したもの:",
    "Not back:": "戻っていないもの:",
    "The volume {name} exists and is not this run's; nothing was touched": "ボリューム {name} は既にあり、"
    "この実行のものではないため、何も変更していません",
    "There is a container {name} already; nothing was touched": "コンテナ {name} が既にあるため、何も変更していません",
    "Deleted what {run} had put aside ({size})": "{run} が退避したものを削除しました ({size})",
    "in use again, so it stays:": "再び使用中のため残したもの:",
    "Still kept:": "まだ保管中:",
    "Nothing of it is kept": "保管中のものはありません",
    "Not healthy after {seconds} s:": "{seconds} 秒待っても正常になりません:",
    "The machine {machine} of the site {site} runs": "拠点 {site} のマシン {machine} は稼働中",
    "No worker has joined the site {site} within {time}. Look at the machine's log, or start the command of its user "
    "data there by hand": "{time} 以内に拠点 {site} のワーカーが参加しませんでした。マシンのログを確認するか、"
    "マシン上でユーザーデータのコマンドを手作業で起動してください",
    "The worker {worker} serves the site {site}": "ワーカー {worker} が拠点 {site} を担当します",
    "The machine {machine} of {site} was given back, with everything on it": "{site} のマシン {machine} を、"
    "中のデータごと返却しました",
    "{machine} is not given back:": "{machine} は返却していません:",
    "There is no rented machine {machine}: it is gone, or was never drbot's": "{machine} という借りたマシンは"
    "ありません (返却済み、または drbot のものではありません)",
    "No name leads to {machine}, and nothing counts on it": "{machine} を指す DNS はなく、必要とするものもありません",
    "users are led to {name} now ({addresses}). Lead them elsewhere first: /dr lead-back": "{name} ({addresses}) は"
    "現在の利用者の向き先です。先に向き先を変えてください: /dr lead-back",
    "{runs} counts on it and is not over. Let it end, or stop it first": "{runs} が使用中です。終わるのを待つか、"
    "先に停止してください",
    "users may have worked on {name}, and nothing answers where they are led now ({error}), so it may hold the only "
    "copy in use. See to it that users are served elsewhere first": "{name} は利用者が使った可能性があり、"
    "現在の向き先は応答していません ({error})。使用中の唯一のデータかもしれません。先に別の場所で利用できるように"
    "してください",
    "The machine {machine} is gone": "マシン {machine} はもうありません",
    "The machine {machine} is still there ({state})": "マシン {machine} はまだあります ({state})",
    "nothing answers users there:": "利用者への応答なし:",
    "{url} at {address} answers {status}": "{url} ({address}) の応答: {status}",
    "what answers at {address} is not known: dr.yml names no `url` in its section `dns`": "{address} の応答は不明です"
    " (dr.yml の `dns` に `url` がありません)",
    "not reachable from outside within {time}:": "{time} 待っても外部から利用できません:",
    "users follow within {time}": "利用者には {time} 以内に反映",
    "Some users still go to the old address for as long as their name servers keep it:": "ネームサーバーに残る間、"
    "一部の利用者は以前の向き先に接続します:",
    "{name} is here and whole: {size}": "{name} を完全に取得済み: {size}",
    "Restored {name} into {volume}: {rows} rows in {tables} tables": "{name} を {volume} へ復元: "
    "{tables} テーブル {rows} 行",
    "Restored {keys} keys into {volume}": "{keys} キーを {volume} へ復元",
    "Put {count} files of {projects} projects back": "{projects} プロジェクトの設定ファイル {count} 件を戻しました",
    "Kept {count} files of evidence ({total})": "証拠 {count} 件を保存 ({total})",
    "Prometheus stores samples of every target, and a test alert has arrived": "Prometheus が全対象の値を"
    "保存し、テスト通知が届きました",
    "Prometheus stores no sample of {target}, though it answers; see if Prometheus has room on its disk": "{target}"
    " は応答していますが、Prometheus にデータが保存されていません。Prometheus のディスクに空きがあるか確認してください",
    "A certificate for {names}, valid until {date}": "{names} の証明書 (有効期限 {date})",
    "The stakeholders are told how it stands.": "関係者に状況を連絡しました。",
    "The machine {machine} was gone already": "マシン {machine} は既にありません",
    "The site {site} has no machine of this incident": "拠点 {site} にこのインシデントのマシンはありません",
    "it was made by Terraform, and what that takes away two people read first: /dr kept lists it": "Terraform で"
    "作られたマシンです。返却は二人の承認が必要です: /dr kept",
    "Users are led to {site} ({address}) now; its machine is not given back": "{site} ({address}) は現在の利用者の"
    "向き先のため、マシンは返却していません",
    "the machine {machine} does not get to run": "マシン {machine} が起動しません",
    "A shorter TTL must be set before the next disaster": "次の障害までに TTL を短くしてください",
    "Not in a dump, copied from the old volume: {files}": "ダンプに含まれず、元のボリュームから写したもの: {files}",
    "Not in a dump, and not carried over: {files}": "ダンプに含まれず、引き継げないもの: {files}",
    "The old volume {volume} cannot be read: what ALTER SYSTEM has set, pg_hba.conf, postgresql.conf and certificates "
    "are in no dump and must be set anew.": "元のボリューム {volume} を読めません。ALTER SYSTEM の設定、pg_hba.conf、"
    "postgresql.conf、証明書はダンプにないため、設定し直してください。",
    "PostgreSQL is not running": "PostgreSQL が停止中",
    "Approved by {people}": "承認者: {people}",
    "{volume} holds the data of {replacement}; the old data is kept in {keeper}": "{volume} に {replacement} のデータを"
    "入れました。元のデータの保管先: {keeper}",
}
