"""Who may do what: written down twice, so that nobody changes it in passing."""

from drbot.commands.dispatch import TABLE
from drbot.core.site.people import ACCESS

MINE = {
    "declare": {"commander", "approver", "operator", "observer"},
    "alert": {"commander", "approver", "operator"},
    "drill": {"commander", "approver", "operator"},
    "action": {"commander", "approver", "operator"},
    "confirm": {"commander", "approver", "operator"},
    "plan": {"commander", "approver", "operator"},
    "level": {"commander", "approver"},
    "recover": {"commander", "approver", "operator"},
    "run": {"commander", "approver", "operator"},
    "approve": {"approver"},
    "deny": {"approver"},
    "stop": {"commander", "approver", "operator"},
    "settle": {"commander", "approver", "operator"},
    "takeover": {"commander"},
    "undo": {"commander", "approver"},
    "give-up": {"commander", "approver"},
    "lead-back": {"commander", "approver"},
    "give-back": {"commander", "approver"},
    "update": {"commander", "approver", "operator"},
    "answer": {"commander", "approver", "operator"},
    "resolve": {"commander", "approver"},
    "phone": {"commander", "approver", "operator"},
    "break-glass": {"commander", "approver"},
    "roster": {"approver"},
    "enrol": {"approver"},
}
WITHIN_A_VERB = {"alert"}
"""`alert N declare` asks for less than `alert N silence`."""

OPEN_TO_ALL = {
    "actions",
    "alerts",
    "backups",
    "drills",
    "readiness",
    "menu",
    "help",
    "whoami",
    "status",
    "list",
    "kept",
    "report",
    "timeline",
}
"""They read."""


def test_the_table_is_what_was_agreed() -> None:
    assert {verb: set(roles) for verb, roles in ACCESS.items()} == MINE
    assert {verb.access for verb in TABLE.values() if verb.access} | WITHIN_A_VERB == set(MINE)
    assert {name for name, verb in TABLE.items() if not verb.access} == OPEN_TO_ALL, "a verb of both lists above"
