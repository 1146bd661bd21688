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


@dataclass(frozen=True, kw_only=True, slots=True)
class VerbWords:
    """How a verb is typed and what it is for."""

    usage: str
    help: str
    example: str = ""
    when: When = When.TONIGHT
    free_text: bool = False  # its words are a person's own: "DR-6" in the middle of them is no address


VERBS: Mapping[str, VerbWords] = {
    "menu": VerbWords(
        usage="",
        help=phrase("What is open and what you can do now"),
        when=When.ANY_DAY,
    ),
    "help": VerbWords(
        usage="help [command]", help=phrase("How to use a command"), example="help declare", when=When.ANY_DAY
    ),
    "declare": VerbWords(
        usage="declare level1..level4 [service:|postgres|redis|files|settings] [to <time>] [what]",
        help=phrase(
            "Open an incident, its channel and the recovery. level1 a service, level2 data (what is broken is found), "
            "level3 the host, level4 the data centre"
        ),
        example="declare level1 auth: login fails",
        free_text=True,
    ),
    "alerts": VerbWords(
        usage="alerts [page]",
        help=phrase("What monitoring says, and what drbot proposes"),
        example="alerts",
        when=When.ANY_DAY,
    ),
    "alert": VerbWords(
        usage="alert <number> [declare [level] [service]|seen|silence <time>|close]",
        help=phrase("Declare what an alert proposes, say that you have seen it or that it is over, or silence it"),
        example="alert 3 declare",
        when=When.ANY_DAY,
    ),
    "readiness": VerbWords(
        usage="readiness [all]",
        help=phrase("Could we recover tonight, and what is in the way"),
        example="readiness",
        when=When.ANY_DAY,
    ),
    "backups": VerbWords(
        usage="backups [all]",
        help=phrase("Every backup and where it lies, and the 3-2-1 rule"),
        example="backups",
        when=When.ANY_DAY,
    ),
    "drill": VerbWords(
        usage="drill [skip] level1..level4 [service:|postgres|redis|files|settings] [what] [rehearsed]",
        help=phrase(
            "Practise a recovery on a copy that can reach nothing: made, broken, recovered, removed. rehearsed: nobody "
            "is asked. skip: leave out the next one that begins by the calendar"
        ),
        example="drill level2 rehearsed",
        when=When.ANY_DAY,
    ),
    "drills": VerbWords(
        usage="drills [picture]",
        help=phrase("When each level was practised last, and how it went; how the times went, as a picture"),
        example="drills picture",
        when=When.ANY_DAY,
    ),
    "action": VerbWords(
        usage="action add|done <what>|<number> [@person] [YYYY-MM-DD]",
        help=phrase("Keep what follows from a drill or an incident: who does what by when; say that it is done"),
        example="action DRILL-7 add make the backup smaller @ben 2026-12-15",
        free_text=True,
        when=When.AFTERWARDS,
    ),
    "since": VerbWords(
        usage="since <20m|02:10|time> [why]",
        help=phrase("Correct when the outage began: RTO, RPO and MTTR count from there"),
        example="since DR-7 02:10 the first failed login",
        free_text=True,
        when=When.AFTERWARDS,
    ),
    "actions": VerbWords(
        usage="actions",
        help=phrase("The action items of a drill or an incident, else what is open of all"),
        example="actions DRILL-7",
        when=When.AFTERWARDS,
    ),
    "confirm": VerbWords(
        usage="confirm reachable|roster|key",
        help=phrase("Say what only a person knows: you can be reached, the roster is right, the key is kept elsewhere"),
        example="confirm reachable",
        when=When.ANY_DAY,
    ),
    "level": VerbWords(
        usage="level level1..level4 [service:|postgres|redis|files|settings] [why]",
        help=phrase("Change the level"),
        example="level 2 PostgreSQL is the culprit",
        free_text=True,
    ),
    "plan": VerbWords(
        usage="plan [level1..level4] [postgres|redis|files|settings] [to <time>]",
        help=phrase("Survey and show the plan; nothing is changed. Outside of an incident only you see it"),
        example="plan level2 redis",
        when=When.ANY_DAY,
    ),
    "moments": VerbWords(
        usage="moments [6h]",
        help=phrase("When PostgreSQL committed what, and the moment before a big delete; only you see it"),
        example="moments 12h",
        when=When.ANY_DAY,
    ),
    "status": VerbWords(usage="status", help=phrase("Where the recovery stands"), example="status DR-7"),
    "list": VerbWords(usage="list [all]", help=phrase("Open incidents"), example="list all", when=When.ANY_DAY),
    "approve": VerbWords(
        usage="approve",
        help=phrase("Open the dialog that shows what will be replaced; you decide there"),
        example="approve DR-7",
    ),
    "deny": VerbWords(
        usage="deny <why>",
        help=phrase("Deny the replacement; one denial is enough"),
        example="deny that backup is too old",
        free_text=True,
    ),
    "phone": VerbWords(
        usage="phone <person> approve|deny <code> <why>",
        help=phrase("Count the vote of somebody who reads their code over the phone"),
        example="phone ben approve K7QZ2-M4XPA he has read the plan",
        free_text=True,
    ),
    "break-glass": VerbWords(
        usage="break-glass",
        help=phrase(
            "One person alone, only on the recovery host: announced, then ten minutes in which any approver can deny it"
        ),
        example="break-glass DR-7",
    ),
    "enrol": VerbWords(
        usage="enrol [code]",
        help=phrase("Set up your authenticator for approvals"),
        example="enrol 123456",
        when=When.ANY_DAY,
    ),
    "roster": VerbWords(
        usage="roster [accept <seal> [code]]",
        help=phrase("Who may approve, and what dr.yml proposes; two approvers accept"),
        example="roster accept 7K3F-Q2MD-VX5A-J6TN",
        when=When.ANY_DAY,
    ),
    "stop": VerbWords(
        usage="stop [why]",
        help=phrase("Stop the recovery safely; one person is enough"),
        example="stop we found the cause",
        free_text=True,
    ),
    "settle": VerbWords(
        usage="settle [step] retry|done|undo|stop",
        help=phrase("Say how to go on after a step that is unsure or failed"),
        example="settle swap done",
    ),
    "takeover": VerbWords(
        usage="takeover <why>",
        help=phrase("Take the target over from another drbot that is dead (commander only)"),
        example="takeover DR-7 its host burnt down",
        free_text=True,
    ),
    "answer": VerbWords(
        usage="answer [step] <answer>",
        help=phrase("Answer a question of the recovery"),
        example="answer confirm yes",
    ),
    "undo": VerbWords(
        usage="undo",
        help=phrase("Bring the kept old data back; needs two approvals"),
        example="undo DR-7",
        when=When.AFTERWARDS,
    ),
    "lead-back": VerbWords(
        usage="lead-back",
        help=phrase("Point DNS back to where it pointed before level 4; needs two approvals"),
        example="lead-back DR-7",
        when=When.AFTERWARDS,
    ),
    "kept": VerbWords(
        usage="kept",
        help=phrase("Old data that is kept and machines that are rented, with size, age and cost"),
        example="kept",
        when=When.AFTERWARDS,
    ),
    "give-up": VerbWords(
        usage="give-up <volume>",
        help=phrase("Delete kept old data for good; needs two approvals"),
        example="give-up postgres_data_before_r7-20261126-031200",
        when=When.AFTERWARDS,
    ),
    "give-back": VerbWords(
        usage="give-back <machine>",
        help=phrase("Give a rented machine back with everything on it; needs two approvals"),
        example="give-back i-0123456789abcdef0",
        when=When.AFTERWARDS,
    ),
    "update": VerbWords(
        usage="update [text]",
        help=phrase("Tell the stakeholders something in your words"),
        example="update We expect to be back at 15:00",
        free_text=True,
    ),
    "resolve": VerbWords(
        usage="resolve [summary]",
        help=phrase("Close the incident and write the report"),
        example="resolve restored from the 02:00 backup",
        free_text=True,
        when=When.AFTERWARDS,
    ),
    "recover": VerbWords(
        usage="recover [postgres|redis|files|settings] [backup NAME|to <time>]",
        help=phrase("Start the recovery again: ask again, of other data, with another backup, or to a moment (UTC)"),
        example="recover backup all_databases_20261126_020000.sql.gz",
    ),
    "run": VerbWords(
        usage="run <runbook> [input=value]",
        help=phrase("Start any runbook, drbot's or your own"),
        example="run restart-services",
    ),
    "discard": VerbWords(
        usage="discard",
        help=phrase("Discard what was prepared; production stays as it is"),
        example="discard DR-7",
    ),
    "restart": VerbWords(
        usage="restart",
        help=phrase("Start the services again after STOP, on the data in place"),
        example="restart DR-7",
    ),
    "report": VerbWords(usage="report", help=phrase("The report so far"), example="report DR-7", when=When.AFTERWARDS),
    "timeline": VerbWords(usage="timeline", help=phrase("What happened, line by line"), example="timeline DR-7"),
    "whoami": VerbWords(usage="whoami", help=phrase("Who you are to drbot and what you may do"), when=When.ANY_DAY),
}
