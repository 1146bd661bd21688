"""`level` changes how bad it is. Work in progress is never killed: once confirmed, it stops between two steps."""

from drbot.commands.facts import runbook_selection
from drbot.commands.facts.context import CommandContext, current_run, incident_of, must_be_open
from drbot.commands.facts.runbook_selection import by_hand, queue, runbook_for, without_runbook
from drbot.commands.speech.messages import Choice, Reply, Request, text
from drbot.commands.speech.parser import Words, level_of, plain
from drbot.commands.speech.refusal import Refusal
from drbot.core.incident import Incident
from drbot.core.level import Level
from drbot.core.people import Person
from drbot.core.run import RunKind, StopKind
from drbot.store.records import incidents

CONFIRM = "confirm"


def level(context: CommandContext, request: Request, words: Words, person: Person) -> Reply:
    """Change the level; the runbook of the new level starts, behind the one that is stopping."""
    new = _wanted(words)
    confirmed = len(words.rest) > 1 and plain(words.rest[1]) == CONFIRM
    why = words.after(2 if confirmed else 1)
    with context.database.write() as tx:
        incident = incident_of(tx.connection, request, words)
        must_be_open(incident, "level")
        if incident.level is new:
            raise Refusal(
                text(f"{incident.name}: the level stays.", f"{incident.name}: レベルはそのままです。"),
                text(f"It is level {new.value} already.", f"既にレベル {new.value} です。"),
            )
        run = current_run(tx.connection, incident)
        going = run is not None and not run.is_over
        if run is not None and going and not confirmed:
            return _confirm(incident.name, new, why)
        if run is not None and going:
            runbook_selection.stop(context, tx, run, person, f"level changed to {new.value}", StopKind.LEVEL)
        incidents.change_level(tx, incident.id, new, person.id, why)
        runbook = runbook_for(context, new)
        # Without a service level 1 has nothing to restart; `declare level1 <service>` names one.
        if runbook is not None and (new is not Level.SERVICE or incident.service):
            arguments = {"service": incident.service} if incident.service else {}
            queue(context, tx, incident, RunKind.RECOVER, runbook, arguments, person)
    return _changed(context, incident, new)


def _wanted(words: Words) -> Level:
    if not words.rest:
        raise Refusal(
            text("Which level?", "レベルを指定してください。"),
            text(
                "level1 a service, level2 the database, level3 the host, level4 the data centre.",
                "level1 サービス、level2 データベース、level3 ホスト、level4 データセンター。",
            ),
            text("Example: /dr level 2 PostgreSQL is the culprit", "例: /dr level 2 原因は PostgreSQL"),
        )
    return level_of(words.rest[0])


def _confirm(name: str, new: Level, why: str) -> Reply:
    command = f"level {name} {new.value} {CONFIRM} {why}".strip()
    return Reply(
        text=text(
            f"{name}: a recovery is in progress. Changing to level {new.value} stops it at the next step boundary "
            "and its approval request ends. The level is not changed yet: confirm.",
            f"{name}: 復旧が進行中です。レベル {new.value} に変更すると次の手順の境目で停止し、承認依頼は終了します。"
            "レベルはまだ変更していません。確認してください。",
        ),
        choices=(
            Choice(
                label=text(f"Change to level {new.value}", f"レベル {new.value} に変更"),
                command=command,
                style="danger",
            ),
        ),
        ok=False,
    )


def _changed(context: CommandContext, incident: Incident, new: Level) -> Reply:
    name, old = incident.name, incident.level.value
    head = text(f"{name}: level {old} → {new.value}.", f"{name}: レベル {old} → {new.value}。")
    if runbook_for(context, new) is None:
        then, tables = without_runbook(new), by_hand(new)
    elif new is Level.SERVICE and not incident.service:
        then = text(
            "No service is named, so nothing was started: declare level1 <service> does.",
            "サービスが指定されていないため何も開始していません。declare level1 <サービス> を使ってください。",
        )
        tables = ()
    else:
        then = text("The survey for it starts; it changes nothing.", "調査を開始します (何も変更しません)。")
        tables = ()
    return Reply(
        text={"en": f"{head['en']} {then['en']}", "ja": head["ja"] + then["ja"]},
        tables=tables,
        in_channel=True,
    )
