"""Which runbook a level has, how its run is queued, and what to do by hand where it cannot be used."""

from collections.abc import Mapping

from drbot.commands.facts.context import CommandContext
from drbot.commands.speech.messages import Cell, Table, text
from drbot.core.incident import Incident
from drbot.core.level import Level
from drbot.core.people import Person
from drbot.core.run import Run, RunKind, RunState, StopKind
from drbot.core.words import Text
from drbot.store.base.database import Transaction
from drbot.store.runs import runs, sub_runs

RUNBOOK_OF: Mapping[Level, str] = {
    Level.SERVICE: "level1-service",
    Level.DATABASE: "level2-postgres",
    Level.HOST: "level3-host",
    Level.DATACENTRE: "level4-datacentre",
}
UNDO_RUNBOOK = "level2-undo"
UNDO_HOST_RUNBOOK = "level3-undo"
GIVE_UP_RUNBOOK = "kept-give-up"
LEAD_BACK_RUNBOOK = "names-lead-back"
GIVE_BACK_RUNBOOK = "machine-give-back"
GIVE_UP_HOST_RUNBOOK = "kept-give-up-host"
RESTART_RUNBOOK = "restart-services"

_HOST: tuple[tuple[Cell, ...], ...] = (
    ("1", text("Prepare a new server; install Docker and compose", "新しいサーバーに Docker と compose を入れる")),
    ("2", text("Clone the repository of the system", "システムのリポジトリを取得する")),
    ("3", text("Download the latest full backup and unpack it", "最新のフルバックアップを取得して展開する")),
    ("4", text("Put the configuration files back", "設定ファイルを戻す")),
    ("5", text("Start PostgreSQL, then Redis", "PostgreSQL、Redis の順に起動する")),
    ("6", text("Restore the databases and read psql's errors", "データベースを復元し、psql のエラーを確認する")),
    (
        "7",
        text(
            "Stop Redis, copy its RDB file in, start it (appendonly off for this start)",
            "Redis を止めてから RDB を置き、起動する (この起動では appendonly を無効に)",
        ),
    ),
    ("8", text("Put the uploaded files back", "ファイルを戻す")),
    ("9", text("Start the three APIs, then the two fronts", "API 3 つ、続いてフロント 2 つを起動する")),
    (
        "10",
        text(
            "Check /health of 8001-8003 and the fronts on 3002, 3003", "8001-8003 の /health と 3002・3003 を確認する"
        ),
    ),
    ("11", text("Count users, profiles, documents", "users・profiles・documents の件数を確認する")),
    ("12", text("Rebuild the monitoring", "監視を再構築する")),
    (
        "13",
        text(
            "/dr update tells the stakeholders, /dr resolve writes the report",
            "/dr update で知らせ、/dr resolve で報告書を作る",
        ),
    ),
)

BY_HAND: Mapping[Level, tuple[tuple[Cell, ...], ...]] = {
    Level.HOST: _HOST,
    Level.DATACENTRE: (
        ("1", text("Provision a new environment", "新しい環境を用意する")),
        ("2", text("Download the newest off-site full backup", "オフサイトの最新フルバックアップを取得する")),
        (
            "3",
            text(
                "Follow the 13 steps of level 3 with exactly that backup",
                "そのバックアップでレベル 3 の 13 手順を行う",
            ),
        ),
        ("4", text("Point DNS to the new address", "DNS を新しいアドレスへ向ける")),
        ("5", text("Obtain TLS certificates", "TLS 証明書を取得する")),
        ("6", text("Check from outside that users can work", "外部から利用できることを確認する")),
    ),
}


def runbook_for(context: CommandContext, level: Level) -> str | None:
    """The runbook of a level; None while there is none that the linter lets through."""
    name = RUNBOOK_OF[level]
    return name if name in context.runbooks else None


def without_runbook(level: Level) -> Text:
    """Why a level cannot be recovered by itself, and what to do meanwhile."""
    name = RUNBOOK_OF[level]
    meanwhile = (
        text(
            " Until then follow the steps of the recovery document by hand; drbot keeps clocks, timeline and report.",
            "それまでは復旧手順書に従い手作業で進めてください。時計・経過・報告書は drbot が記録します。",
        )
        if level in BY_HAND
        else text("", "")
    )
    missing = text(
        f"The runbook {name} is missing or was refused, so nothing was started. `drbot runbook check` says why.",
        f"ランブック {name} がないか検査に合格していないため、何も開始していません。"
        "`drbot runbook check` で確認してください。",
    )
    return {language: missing[language] + meanwhile[language] for language in missing}


def by_hand(level: Level) -> tuple[Table, ...]:
    """The document's steps, for when the runbook cannot be used."""
    rows = BY_HAND.get(level)
    return (Table(rows=rows, title=text("Steps by hand", "手作業の手順")),) if rows else ()


def queue(
    context: CommandContext,
    tx: Transaction,
    incident: Incident,
    kind: RunKind,
    runbook: str,
    arguments: Mapping[str, str],
    person: Person,
    *,
    site: str = "",
) -> Run:
    """A run for the site's worker; the doorbell rings once it is committed."""
    run = runs.queue(
        tx,
        incident=incident.id,
        site=site or site_of(context, incident, runbook),
        kind=kind,
        runbook=runbook,
        arguments=arguments,
        person=person.id,
    )
    ring(context, tx, run)
    return run


def site_of(context: CommandContext, incident: Incident, runbook: str) -> str:
    """Whose worker does it: a lost host has none, so level 3 is done on the new one, and level 4 from outside."""
    recovery = context.configuration.recovery
    if recovery is None:
        return incident.site
    outside = (RUNBOOK_OF[Level.DATACENTRE], LEAD_BACK_RUNBOOK, GIVE_BACK_RUNBOOK)
    elsewhere = {RUNBOOK_OF[Level.HOST]: recovery.site} | dict.fromkeys(outside, recovery.control)
    return elsewhere.get(runbook, incident.site)


def again(incident: Incident, run: Run) -> str:
    """The verb text that asks for the same once more: an undo that expired is no reason to restore a backup."""
    if run.kind is RunKind.UNDO:
        return f"undo {incident.name}"
    if run.kind is RunKind.LEAD_BACK:
        return f"lead-back {incident.name}"
    if run.kind is RunKind.GIVE_UP:
        return f"give-up {incident.name} {run.arguments.get('keeper') or run.arguments.get('aside', '')}".strip()
    if run.kind is RunKind.GIVE_BACK:
        return f"give-back {incident.name} {run.arguments.get('machine', '')}".strip()
    return f"recover {incident.name}"


def stop(context: CommandContext, tx: Transaction, run: Run, person: Person, why: str, kind: StopKind) -> RunState:
    """Stop the recovery that this run belongs to: a part goes with the whole. The state that is in now."""
    top = sub_runs.top_of(tx.connection, run)
    parts = sub_runs.parts_of(tx.connection, top)
    state = runs.request_stop(tx, top.id, person.id, why, kind=kind)
    for one in (top, *parts):
        ring(context, tx, one)  # who has it ends it; where nobody had it a worker tidies up
    return state


def ring(context: CommandContext, tx: Transaction, run: Run) -> None:
    """Commit first, then wake a worker: a run that is called up must be there to be found."""
    tx.after_commit(lambda: context.doorbell.ring(run.site, run.id))
