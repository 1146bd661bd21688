"""Messages with every block kind drbot uses, for the tests of the page."""

from typing import Any

Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def rich(*parts: Block) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(parts)}]}


def button(action: str, text: str, **more: Any) -> Block:
    return {"type": "button", "action_id": action, "text": plain(text), **more}


def task(name: str, status: str, output: str = "") -> Block:
    more = {"output": rich({"type": "text", "text": output})} if output else {}
    return {"type": "task_card", "task_id": name, "title": name, "status": status, **more}


def board(status: str, state: str = "Waiting for approval", plan: str = "plan-1") -> list[Block]:
    return [
        {"type": "header", "text": plain(":rotating_light: DR-7 · Level 2")},
        {
            "type": "section",
            "text": mrkdwn(f"*{state}.* Nothing was touched.\n*RTO 4 h*, 1 h 12 min used"),
        },
        {
            "type": "plan",
            "block_id": plan,
            "title": "Restore beside, then swap",
            "tasks": [
                task("Keep evidence", "complete"),
                task("Choose the backup", "complete", "52.4 MB, checksum equal"),
                task("Restore beside", status, "3 databases"),
                task("Two approvals", "pending"),
                task("Verify", "error", "pg_isready: no answer"),
            ],
        },
        {"type": "divider"},
        {
            "type": "actions",
            "block_id": "board",
            "elements": [
                button("approve", "Approve", style="primary", value="DR-7"),
                button("halt", "Stop", style="danger"),
            ],
        },
        {"type": "context", "elements": [mrkdwn("Next update at 10:15")]},
    ]


REPORT: list[Block] = [
    rich({"type": "text", "text": "restored "}, {"type": "text", "text": "<@U00BEN>"}),
    {"type": "markdown", "text": "## Report\n\n| step | time |\n|---|---|\n| swap | **4 s** |\n\n- kept: `old_volume`"},
]

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
