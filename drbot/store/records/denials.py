"""What somebody said no to in an incident: nobody else asks it again."""

from sqlalchemy import Connection, select

from drbot.core.approvals.approval import ApprovalRequest
from drbot.store.base.reading import every
from drbot.store.base.rows import request_of, vote_of
from drbot.store.base.schema import requests
from drbot.store.base.schema import votes as votes_table


def denied(connection: Connection, incident: int) -> dict[str, set[str]]:
    """Question → who denied it and has not asked it themselves since."""
    query = select(requests).where(requests.c.incident == incident).order_by(requests.c.opened_at)
    asked = {one.id: one for one in every(connection.execute(query), requests, request_of)}
    said = select(votes_table).where(votes_table.c.request.in_(asked), votes_table.c.decision == "deny")
    noes = every(connection.execute(said), votes_table, lambda row: (asked[row["request"]], vote_of(row)))
    found: dict[str, set[str]] = {}
    for request, vote in noes:
        if not any(_takes_back(one, request, vote.person) for one in asked.values() if one.opened_at > vote.at):
            found.setdefault(request.question, set()).add(vote.person)
    return found


def _takes_back(later: ApprovalRequest, denied: ApprovalRequest, person: str) -> bool:
    """Whoever asks the same themselves takes their no back; the last of the requesters is who asked."""
    return later.question == denied.question and later.requesters[-1:] == (person,)
