"""The verbs as people read them: usage, sentence, example. Help, manifest, README and the parser speak from here.

dispatch.py says what each verb does; a test compares the two tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from drbot.commands.speech.messages import text
from drbot.core.words import Text


@dataclass(frozen=True, kw_only=True, slots=True)
class VerbWords:
    """How a verb is typed and what it is for."""

    usage: str
    help: Text
    example: str = ""
    free_text: bool = False  # its words are a person's own: "DR-6" in the middle of them is no address


VERBS: Mapping[str, VerbWords] = {
    "menu": VerbWords(
        usage="",
        help=text("What is open and what you can do now", "未解決のインシデントと今できること"),
    ),
    "help": VerbWords(usage="help [verb]", help=text("How to use a verb", "使い方"), example="help declare"),
    "declare": VerbWords(
        usage="declare level1..level4 [service:] [what]",
        help=text(
            "Open an incident, its channel and the recovery. level1 a service, level2 the database, "
            "level3 the host, level4 the data centre",
            "インシデントを宣言し、チャンネルを開いて復旧を始める。"
            "level1 サービス、level2 データベース、level3 ホスト、level4 データセンター",
        ),
        example="declare level1 auth: login fails",
        free_text=True,
    ),
    "level": VerbWords(
        usage="level <level> [why]",
        help=text("Change the level", "レベルを変更する"),
        example="level 2 PostgreSQL is the culprit",
        free_text=True,
    ),
    "plan": VerbWords(
        usage="plan [level]",
        help=text("Survey and show the plan; nothing is changed", "調査して計画を表示する (何も変更しない)"),
        example="plan level2",
    ),
    "status": VerbWords(
        usage="status", help=text("Where the recovery stands", "復旧の状況を表示する"), example="status DR-7"
    ),
    "list": VerbWords(usage="list [all]", help=text("Open incidents", "未解決のインシデント一覧"), example="list all"),
    "approve": VerbWords(
        usage="approve",
        help=text(
            "Open the dialog that shows what will be replaced; you decide there",
            "置き換え内容を示すダイアログを開く (承認はそこで行う)",
        ),
        example="approve DR-7",
    ),
    "deny": VerbWords(
        usage="deny <why>",
        help=text("Refuse the replacement; one no is enough", "置き換えを却下する (一人の却下で止まる)"),
        example="deny that backup is too old",
        free_text=True,
    ),
    "phone": VerbWords(
        usage="phone <person> approve|deny <code> <why>",
        help=text(
            "Count the vote of somebody who reads their code over the phone", "電話で読み上げられたコードで投票を数える"
        ),
        example="phone ben approve K7QZ2-M4XPA he has read the plan",
        free_text=True,
    ),
    "break-glass": VerbWords(
        usage="break-glass",
        help=text(
            "One person alone, only on the recovery host: ten loud minutes in which any approver can veto",
            "一人での緊急実行 (復旧ホストの端末のみ)。10 分間、承認者は誰でも却下できる",
        ),
        example="break-glass DR-7",
    ),
    "enrol": VerbWords(
        usage="enrol [code]",
        help=text("Set up your authenticator for approvals", "承認用の認証アプリを登録する"),
        example="enrol 123456",
    ),
    "roster": VerbWords(
        usage="roster [accept <seal> [code]]",
        help=text(
            "Who may approve, and what dr.yml proposes; two approvers accept", "承認者の名簿と変更案 (二人の同意で発効)"
        ),
        example="roster accept 7K3F-Q2MD-VX5A-J6TN",
    ),
    "stop": VerbWords(
        usage="stop [why]",
        help=text("Stop the recovery safely; one person is enough", "復旧を安全に止める (一人で止められる)"),
        example="stop we found the cause",
        free_text=True,
    ),
    "settle": VerbWords(
        usage="settle [step] retry|done|undo|stop",
        help=text("Say how to go on after a step that is unsure or failed", "不明または失敗した手順の扱いを決める"),
        example="settle swap done",
    ),
    "takeover": VerbWords(
        usage="takeover <why>",
        help=text(
            "Another drbot holds the target and is dead: take it over (the commander alone)",
            "もう動いていない別の drbot が保持する復旧対象を引き継ぐ (指揮者のみ)",
        ),
        example="takeover DR-7 its host burnt down",
        free_text=True,
    ),
    "answer": VerbWords(
        usage="answer [step] <answer>",
        help=text("Answer a question of the recovery", "復旧手順の質問に答える"),
        example="answer confirm yes",
    ),
    "undo": VerbWords(
        usage="undo",
        help=text("Bring the kept old data back; needs two approvals", "保管した元のデータに戻す (二人の承認が必要)"),
        example="undo DR-7",
    ),
    "lead-back": VerbWords(
        usage="lead-back",
        help=text(
            "Lead the names back to where they led before level 4; needs two approvals",
            "DNS をレベル 4 の前の向き先へ戻す (二人の承認が必要)",
        ),
        example="lead-back DR-7",
    ),
    "kept": VerbWords(
        usage="kept",
        help=text(
            "Old data that is kept and machines that are rented, with size, age and cost",
            "保管データと借りているマシンの一覧",
        ),
        example="kept",
    ),
    "give-up": VerbWords(
        usage="give-up <volume>",
        help=text(
            "Delete kept old data for good; needs two approvals", "保管データを完全に削除する (二人の承認が必要)"
        ),
        example="give-up postgres_data_before_r7-20261126-031200",
    ),
    "give-back": VerbWords(
        usage="give-back <machine>",
        help=text(
            "Give a rented machine back with everything on it; needs two approvals",
            "借りたマシンを中のデータごと返却する (二人の承認が必要)",
        ),
        example="give-back i-0123456789abcdef0",
    ),
    "update": VerbWords(
        usage="update [text]",
        help=text("Tell the stakeholders something in your words", "関係者へ自分の言葉で知らせる"),
        example="update We expect to be back at 15:00",
        free_text=True,
    ),
    "resolve": VerbWords(
        usage="resolve [summary]",
        help=text("Close the incident and write the report", "インシデントを解決済みにし、報告書を作る"),
        example="resolve restored from the 02:00 backup",
        free_text=True,
    ),
    "recover": VerbWords(
        usage="recover [backup NAME]",
        help=text(
            "Start the recovery again: ask again, or with another backup",
            "復旧をやり直す (再度承認を求める、または別のバックアップを使う)",
        ),
        example="recover backup all_databases_20261126_020000.sql.gz",
    ),
    "discard": VerbWords(
        usage="discard",
        help=text("Give up what was prepared; production stays as it is", "準備したものを破棄する (本番はそのまま)"),
        example="discard DR-7",
    ),
    "restart": VerbWords(
        usage="restart",
        help=text(
            "Start the services again after STOP, on the data in place", "停止後、データは今のままサービスを起動する"
        ),
        example="restart DR-7",
    ),
    "report": VerbWords(usage="report", help=text("The report so far", "報告書を表示する"), example="report DR-7"),
    "timeline": VerbWords(
        usage="timeline", help=text("What happened, line by line", "経過を一行ずつ表示する"), example="timeline DR-7"
    ),
    "whoami": VerbWords(
        usage="whoami", help=text("Who you are to drbot and what you may do", "自分の役割とできること")
    ),
}
