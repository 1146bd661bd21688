"""Why a full backup, its place or a host is refused, in Japanese; read by core/japanese_sentences.py."""

from collections.abc import Mapping

BACKUP_SENTENCES: Mapping[str, str] = {
    "{path} would be written elsewhere": "{path} は復元先の外へ書き込まれます",
    "nothing was used": "何も使用していません",
    "{path} is neither a file nor a folder": "{path} はファイルでもフォルダでもありません",
    "{path} is a link that leads elsewhere": "{path} は外を指すリンクです",
    "{path} is a link to what is not in it": "{path} は中にないものへのリンクです",
    "{path} is a link to nothing": "{path} はリンク先のないリンクです",
    "{name} holds {path} twice, as two different things": "{name} に {path} が別の種類で 2 回あります",
    "{path} is longer than any file system takes": "{path} はファイルシステムの上限より長い名前です",
    "{path} is no name of a file": "{path} はファイル名になりません",
    "{name} is damaged: there is something behind its end": "{name} は破損しています: 終端の後にも内容があります",
    "{name} is damaged: a header in it is broken ({why})": "{name} は破損しています: ヘッダーが壊れています ({why})",
    "{name} is damaged: a header in it has {size} bytes": "{name} は破損しています: ヘッダーが {size} バイトあります",
    "{path} unpacks to more than {size}": "{path} は展開すると {size} を超えます",
    "{name} holds two parts for one place, {part} for one": "{name} に同じ種類の部分が 2 つあります (例: {part})",
    "{path} among its settings is neither a file nor a folder ({kind})": "設定の中の {path} はファイルでもフォルダでも"
    "ありません ({kind})",
    "{path} in it is no folder": "中の {path} はフォルダではありません",
    "{path} in it is a link": "中の {path} はリンクです",
    "{place} is damaged: not everything that belongs to it came with it ({why})": "{place} は破損しています: "
    "含まれるはずの内容がすべてはそろいません ({why})",
    "what answers there is no S3; look at its address and at what is in between": "応答しているのは S3 ではありません。"
    "アドレスと途中の経路を確認してください",
    "dr.yml names no repository to clone": "dr.yml に取得するリポジトリがありません",
    "dr.yml names no folder for the projects of {site}": "dr.yml に {site} のプロジェクトのフォルダがありません",
    "{name} holds no settings of the services": "{name} にサービスの設定ファイルがありません",
    "{name} holds no dump of PostgreSQL, and {site} has one": "{name} に PostgreSQL のダンプがなく、"
    "{site} には PostgreSQL があります",
    "{name} holds no data of Redis, and {site} has one": "{name} に Redis のデータがなく、{site} には Redis があります",
    "{path} is in the way: it is no folder": "{path} がフォルダではないため、復元先を作れません",
    "{path} lies on a file system that is read-only": "{path} は読み取り専用のファイルシステムにあります",
    "drbot may not write in {path}": "drbot は {path} に書き込めません",
    "names of files in {path} may have {most} bytes, and those of a backup have up to {longest}": "{path} の"
    "ファイル名は {most} バイトまでですが、バックアップには最大 {longest} バイトの名前があります",
    "{path} is a disk of its own, which cannot be put aside: give `projects` a folder on it": "{path} は独立した"
    "ディスクのため退避できません。`projects` にはその中のフォルダを指定してください",
    "{name} is longer than a file system takes: give `projects` a shorter name": "{name} はファイルシステムの"
    "上限より長い名前です。`projects` を短い名前にしてください",
    "Name another backup (/dr recover backup NAME), or correct dr.yml": "別のバックアップを指定する "
    "(/dr recover backup NAME) か、dr.yml を直してください",
    "Have the folders writable for drbot on that host, or correct dr.yml": "そのホストで drbot がフォルダに書き込める"
    "ようにするか、dr.yml を直してください",
}
