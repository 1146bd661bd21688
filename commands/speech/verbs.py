"""The verbs as people read them: usage, sentence, example. Help, manifest, README and the parser speak from here.

dispatch.py says what each verb does; a test compares the two tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from drbot.core.text.messages import phrase


class When(StrEnum):
    """When a verb is wanted: the help shows those of one time together."""

    ANY_DAY = "any day"
    TONIGHT = "tonight"  # while something is broken
    AFTERWARDS = "afterwards"


WHEN: Mapping[When, str] = {
    When.ANY_DAY: phrase("Any day"),
    When.TONIGHT: phrase("Tonight: something is broken"),
    When.AFTERWARDS: phrase("Afterwards"),
}


@dataclass(frozen=True, slots=True)
class VerbWords:
    """How a verb is typed and what it is for."""

    usage: str
    help: str
    example: str = ""
    when: When = When.TONIGHT
    free_text: bool = False  # its words are a person's own: "DR-6" in the middle of them is no address


VERBS: Mapping[str, VerbWords] = {
    "menu": VerbWords("", phrase("What is open and what you can do now"), when=When.ANY_DAY),
    "help": VerbWords("help [command]", phrase("How to use a command"), example="help declare", when=When.ANY_DAY),
    "declare": VerbWords("declare level1..level4 [service:|postgres|redis|files|settings] [to <time>] [what]",
        example="declare level1 auth: login fails", free_text=True,
        help=phrase("Open an incident, its channel and the recovery. level1 a service, level2 data (what is broken is "
                    "found), level3 the host, level4 the data centre")),
    "alerts": VerbWords("alerts [page]", example="alerts", when=When.ANY_DAY,
        help=phrase("What monitoring says, and what drbot proposes")),
    "alert": VerbWords("alert <number> [declare [level] [service]|seen|silence <time>|close]",
        example="alert 3 declare", when=When.ANY_DAY,
        help=phrase("Declare what an alert proposes, say that you have seen it or that it is over, or silence it")),
    "readiness": VerbWords("readiness [all]", example="readiness", when=When.ANY_DAY,
        help=phrase("Could we recover tonight, and what is in the way")),
    "backups": VerbWords("backups [all]", example="backups", when=When.ANY_DAY,
        help=phrase("Every backup and where it lies, and the 3-2-1 rule")),
    "drill": VerbWords("drill [skip] level1..level4 [service:|postgres|redis|files|settings] [what] [rehearsed]",
        example="drill level2 rehearsed", when=When.ANY_DAY,
        help=phrase("Practise a recovery on a copy that can reach nothing: made, broken, recovered, removed. "
                    "rehearsed: nobody is asked. skip: leave out the next one that begins by the calendar")),
    "drills": VerbWords("drills [picture]", example="drills picture", when=When.ANY_DAY,
        help=phrase("When each level was practised last, and how it went; how the times went, as a picture")),
    "action": VerbWords("action add|done <what>|<number> [@person] [YYYY-MM-DD]",
        example="action DRILL-7 add make the backup smaller @ben 2026-12-15", free_text=True, when=When.AFTERWARDS,
        help=phrase("Keep what follows from a drill or an incident: who does what by when; say that it is done")),
    "since": VerbWords("since <20m|02:10|time> [why]",
        example="since DR-7 02:10 the first failed login", free_text=True, when=When.AFTERWARDS,
        help=phrase("Correct when the outage began: RTO, RPO and MTTR count from there")),
    "actions": VerbWords("actions", example="actions DRILL-7", when=When.AFTERWARDS,
        help=phrase("The action items of a drill or an incident, else what is open of all")),
    "confirm": VerbWords("confirm reachable|roster|key", example="confirm reachable", when=When.ANY_DAY,
        help=phrase("Say what only a person knows: you can be reached, the roster is right, the key is kept "
                    "elsewhere")),
    "level": VerbWords("level level1..level4 [service:|postgres|redis|files|settings] [why]",
        example="level 2 PostgreSQL is the culprit", free_text=True,
        help=phrase("Change the level")),
    "plan": VerbWords("plan [level1..level4] [postgres|redis|files|settings] [to <time>]",
        example="plan level2 redis", when=When.ANY_DAY,
        help=phrase("Survey and show the plan; nothing is changed. Outside of an incident only you see it")),
    "moments": VerbWords("moments [6h]", example="moments 12h", when=When.ANY_DAY,
        help=phrase("When PostgreSQL committed what, and the moment before a big delete; only you see it")),
    "status": VerbWords("status", phrase("Where the recovery stands"), example="status DR-7"),
    "list": VerbWords("list [all]", phrase("Open incidents"), example="list all", when=When.ANY_DAY),
    "approve": VerbWords("approve", example="approve DR-7",
        help=phrase("Open the dialog that shows what will be replaced; you decide there")),
    "deny": VerbWords("deny <why>", example="deny that backup is too old", free_text=True,
        help=phrase("Deny the replacement; one denial is enough")),
    "phone": VerbWords("phone <person> approve|deny <code> <why>",
        example="phone ben approve K7QZ2-M4XPA he has read the plan", free_text=True,
        help=phrase("Count the vote of somebody who reads their code over the phone")),
    "break-glass": VerbWords("break-glass", example="break-glass DR-7",
        help=phrase("One person alone, only on the recovery host: announced, then ten minutes in which any approver "
                    "can deny it")),
    "enrol": VerbWords("enrol [code]", example="enrol 123456", when=When.ANY_DAY,
        help=phrase("Set up your authenticator for approvals")),
    "roster": VerbWords("roster [accept <seal> [code]]", example="roster accept 7K3F-Q2MD-VX5A-J6TN", when=When.ANY_DAY,
        help=phrase("Who may approve, and what dr.yml proposes; two approvers accept")),
    "stop": VerbWords("stop [why]", example="stop we found the cause", free_text=True,
        help=phrase("Stop the recovery safely; one person is enough")),
    "settle": VerbWords("settle [step] retry|done|undo|stop", example="settle swap done",
        help=phrase("Say how to go on after a step that is unsure or failed")),
    "takeover": VerbWords("takeover <why>", example="takeover DR-7 its host burnt down", free_text=True,
        help=phrase("Take the target over from another drbot that is dead (commander only)")),
    "answer": VerbWords("answer [step] <answer>", example="answer confirm yes",
        help=phrase("Answer a question of the recovery")),
    "undo": VerbWords("undo [kept data]", example="undo DR-7", when=When.AFTERWARDS,
        help=phrase("Bring the kept old data back; needs two approvals")),
    "lead-back": VerbWords("lead-back", example="lead-back DR-7", when=When.AFTERWARDS,
        help=phrase("Point DNS back to where it pointed before level 4; needs two approvals")),
    "kept": VerbWords("kept", example="kept", when=When.AFTERWARDS,
        help=phrase("Old data that is kept and machines that are rented, with size, age and cost")),
    "give-up": VerbWords("give-up <volume>",
        example="give-up postgres_data_before_r7-20261126-031200", when=When.AFTERWARDS,
        help=phrase("Delete kept old data for good; needs two approvals")),
    "give-back": VerbWords("give-back <machine>", example="give-back i-0123456789abcdef0", when=When.AFTERWARDS,
        help=phrase("Give a rented machine back with everything on it; needs two approvals")),
    "update": VerbWords("update [text]", example="update We expect to be back at 15:00", free_text=True,
        help=phrase("Tell the stakeholders something in your words")),
    "resolve": VerbWords("resolve [summary]",
        example="resolve restored from the 02:00 backup", free_text=True, when=When.AFTERWARDS,
        help=phrase("Close the incident and write the report")),
    "recover": VerbWords("recover [postgres|redis|files|settings] [backup NAME|to <time>]",
        example="recover backup all_databases_20261126_020000.sql.gz",
        help=phrase("Start the recovery again: ask again, of other data, with another backup, or to a moment")),
    "run": VerbWords("run <runbook> [input=value]", example="run restart-services",
        help=phrase("Start any runbook, drbot's or your own")),
    "discard": VerbWords("discard", example="discard DR-7",
        help=phrase("Discard what was prepared; production stays as it is")),
    "restart": VerbWords("restart", example="restart DR-7",
        help=phrase("Start the services again after STOP, on the data in place")),
    "report": VerbWords("report", phrase("The report so far"), example="report DR-7", when=When.AFTERWARDS),
    "timeline": VerbWords("timeline", phrase("What happened, line by line"), example="timeline DR-7"),
    "whoami": VerbWords("whoami", phrase("Who you are to drbot and what you may do"), when=When.ANY_DAY),
}  # fmt: skip
