"""What can be done when no run is going on: only what really works now. Board, status and menu offer the same."""

from collections.abc import Collection, Iterable

from drbot.commands.messages import Choice, text
from drbot.commands.recovery import RUNBOOK_OF
from drbot.commands.undo import returnable
from drbot.commands.ways_on import ANOTHER
from drbot.core.incident import Incident, IncidentState, UsersSay
from drbot.core.level import Level
from drbot.core.run import Offer, Run, RunKind
from drbot.core.site import Configuration
from drbot.core.words import Text
from drbot.store.kept import Kept

RESTART = text("Start the services again", "サービスを起動 (データは今のまま)")
UNDO = text("Undo: bring the old data back", "元のデータに戻す")
RECOVER = text("Recover", "復旧を開始")
TRY_AGAIN = text("Try again", "もう一度復旧する")
THEY_CAN = text("Users can work", "利用できる")
THEY_CANNOT = text("They cannot", "利用できない")


def next_actions(
    configuration: Configuration, runbooks: Collection[str], incident: Incident, run: Run | None, kept: Iterable[Kept]
) -> tuple[Choice, ...]:
    """Most useful first. `run`: the newest, which is over; None: there was none."""
    offers = run.offers if run is not None else ()
    found = []
    if Offer.RESTART in offers:
        found.append(_choice(incident, "restart", RESTART, style="primary"))
    if run is not None and run.kind is not RunKind.UNDO and returnable(configuration, incident, kept):
        found.append(_choice(incident, "undo", UNDO, style="danger"))
    if incident.state is not IncidentState.RECOVERED and _can_recover(incident, runbooks):
        found.append(_choice(incident, "recover", RECOVER if run is None else TRY_AGAIN))
        if run is not None and Offer.ANOTHER_BACKUP in offers and run.next_backup is not None:
            found.append(_choice(incident, "recover", ANOTHER, "backup"))
    if incident.users_say is UsersSay.NO:
        found += _levels(incident, runbooks)
    if incident.state is IncidentState.RECOVERED and incident.users_say is UsersSay.NOTHING:
        found += [_choice(incident, "answer", THEY_CAN, "yes"), _choice(incident, "answer", THEY_CANNOT, "no")]
    return tuple(found)


def _can_recover(incident: Incident, runbooks: Collection[str]) -> bool:
    names_service = incident.level is not Level.SERVICE or incident.service is not None
    return RUNBOOK_OF[incident.level] in runbooks and names_service


def _levels(incident: Incident, runbooks: Collection[str]) -> list[Choice]:
    """The next level up, where drbot can do something there."""
    higher = next((level for level in Level if level == incident.level + 1), None)
    if higher is None or RUNBOOK_OF[higher] not in runbooks:
        return []
    label = text(f"It is level {higher.value}", f"レベル {higher.value} に変更")
    return [_choice(incident, "level", label, str(higher.value))]


def _choice(incident: Incident, verb: str, label: Text, rest: str = "", *, style: str = "default") -> Choice:
    command = f"{verb} {incident.name} {rest}".strip()
    return Choice(label=label, command=command, style=style)  # type: ignore[arg-type]
