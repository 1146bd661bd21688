"""What people read before they agree, and after, in a real browser and both languages.

`SCREENSHOTS=docs/images` keeps the pictures that the documents show.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from drbot.core.files.runbook_file import find_runbooks, load_runbook, runbook_folders
from drbot.core.ledger.events import EventKind
from drbot.core.runbooks.runbook import Step, without
from drbot.core.runbooks.variables import fill
from drbot.core.runs.incident import Incident, UsersSay
from drbot.core.runs.plan import BackupIdentity, Plan, gate_about_settings, question_of, seal_of
from drbot.core.runs.replaced import replaced
from drbot.core.runs.run import Offer, Run, RunKind, RunState
from drbot.core.runs.stakes import Act, KeepKind, Keeps, KeptData, Loss, LossKind, ProofKind, Stakes
from drbot.core.site.configuration import Loaded
from drbot.core.site.level import Level
from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.core.site.site import Configuration, Postgres
from drbot.core.text.messages import phrase, say
from drbot.store.base import waking
from drbot.store.records import incidents, kept, requests, steps
from drbot.store.records.kept import Kept
from drbot.store.runs import runs
from tests.browser import Visit
from tests.integration.bot.conftest import PATIENCE, Scene
from tests.unit.bot.situations import lost_by_undo
from tests.waiting import wait_for

pytestmark = pytest.mark.more

LANGUAGES = ("en", "ja")
HOURS = timedelta(hours=1)
APPS = ("auth", "user", "admin", "front-user", "front-admin")
WORDS: Mapping[str, object] = {
    "run.id": "r7-20261126-031200",
    "site": "production",
    "services.apps": APPS[:3],
    "services.fronts": APPS[3:],
    "services.stores": ("postgres", "redis"),
    "services.all": ("postgres", "redis", *APPS),
    "postgres.service": "postgres",
    "postgres.volume": "postgres_data",
    "kept.volume": "postgres_data",
    "kept.name": "postgres_data",
    "kept.service": "postgres",
    "redis.service": "redis",
    "redis.volume": "redis_data",
    "monitoring.project": "monitoring",
    "repository.url": "https://git.example.com/system.git",
    "repository.commit": "0" * 40,
    "projects": "/srv/system",
    "service": APPS,
    "backup": "all_databases_20261126_020000.sql.gz",
    "keeper": "postgres_data_before_r5-20261125-231200",
}
NOW = datetime.now(UTC)
BACKUP = BackupIdentity(
    place="file:/backups",
    name="all_databases_20261126_020000.sql.gz",
    size=13_400_000,
    sha256="0" * 64,
    snapshot_at=NOW - 2 * HOURS,
    manifest=True,
    site="production",
)
KEPT = KeptData(
    volume=str(WORDS["keeper"]),
    original="postgres_data",
    incident=7,
    made_at="day 1",
    since=NOW - 4 * HOURS,
    size=13_400_000,
)
UNDO = Stakes(
    act=Act.UNDO,
    proof=ProofKind.KEPT,
    loss=lost_by_undo(NOW - timedelta(hours=4), NOW),
    keeps=Keeps(kind=KeepKind.IN_PLACE, names=("postgres_data_undone_r7-20261126-031200",)),
    kept=KEPT,
)
HOST = Stakes(
    act=Act.REPLACE_HOST,
    proof=ProofKind.DOWNLOADED,
    loss=Loss(kind=LossKind.SINCE_BACKUP, since=NOW - timedelta(hours=2), seconds=5400),
    keeps=Keeps(
        kind=KeepKind.ASIDE,
        names=("postgres_data_before_r7-20261126-031200", "redis_data_before_r7-20261126-031200"),
    ),
)
OCCUPANTS = (
    Occupant(kind=OccupantKind.CONTAINER, name="api-auth-1", identity="a1", keeper="drbot-kept:a1", size=4096),
    Occupant(
        kind=OccupantKind.VOLUME, name="postgres_data", identity="v1", keeper=HOST.keeps.names[0], size=240_000_000
    ),
    Occupant(kind=OccupantKind.VOLUME, name="redis_data", identity="v2", keeper=HOST.keeps.names[1], size=5_000_000),
)
RESTORE = Stakes(
    act=Act.RESTORE,
    proof=ProofKind.BESIDE,
    loss=Loss(
        kind=LossKind.SINCE_BACKUP,
        since=NOW - timedelta(hours=2),
        seconds=5400,
        uncounted="PostgreSQL is not running",
    ),
    keeps=Keeps(kind=KeepKind.VOLUME, names=("postgres_data_before_r7-20261126-031200",)),
)


@pytest.fixture(params=LANGUAGES)
def spoken(request: pytest.FixtureRequest, scene: Scene) -> Scene:
    """A bot that speaks this language in its channels."""
    given = scene.process.loaded.configuration
    postgres = Postgres(service="auth", volume="data", databases=("authdb",))
    site = given.site("production").model_copy(update={"postgres": postgres})
    configuration = given.model_copy(update={"language": request.param, "sites": {"production": site}})
    scene.process.loaded = Loaded(configuration=configuration)
    scene.start_bot()
    scene.people.wait_for_connection()
    return scene


def language(scene: Scene) -> str:
    return scene.process.loaded.configuration.language


def system_of(scene: Scene) -> Configuration:
    """What it runs on, with the volume and the folder that the runbooks are filled in with."""
    postgres = Postgres(volume=str(WORDS["postgres.volume"]), databases=("authdb",))
    given = scene.process.loaded.configuration
    placed = {"postgres": postgres, "projects": Path(str(WORDS["projects"]))}
    site = given.site("production").model_copy(update=placed)
    return given.model_copy(update={"sites": {"production": site}})


def of_runbook(name: str) -> tuple[tuple[Step, ...], str]:
    """The steps of a packaged runbook, filled in, and its title."""
    runbook = load_runbook(find_runbooks(runbook_folders(None))[name]).runbook
    return runbook.steps, runbook.title


def planned(
    scene: Scene,
    incident: Incident,
    runbook: str,
    stakes: Stakes,
    backup: BackupIdentity | None,
    asks_first: tuple[str, ...] = (),
    occupants: tuple[Occupant, ...] = (),
) -> Run:
    """A run with its plan, as a worker would leave it."""
    found, title = of_runbook(runbook)
    filled = tuple(
        Step.model_validate(fill(one.model_dump(by_alias=True, exclude_unset=True), WORDS))  # type: ignore[arg-type]
        for one in found
    )
    with scene.database.write() as tx:
        run = runs.queue(
            tx,
            incident=incident.id,
            site="production",
            kind=RunKind.UNDO if stakes.act is Act.UNDO else RunKind.RECOVER,
            runbook=runbook,
            arguments={},
            person="aiko",
        )
        claimed = runs.claim(tx, run.id, "worker", 600)
        assert claimed is not None
        sealed = Plan(
            runbook=runbook,
            runbook_sha256="0" * 64,
            level=incident.level.value,
            site="production",
            run=run.id,
            steps=(*((gate_about_settings(False),) if asks_first else ()), *without(filled, ())),
            fingerprint={},
            backup=backup,
            target="production",
            replaces=replaced(filled, system_of(scene), "production", stakes, occupants),
            occupants=occupants,
            stakes=stakes,
            loss_seconds=stakes.loss.seconds if backup else None,
            requesters=("aiko",),
            headline=title,
            surveyed_at=NOW,
            changed=asks_first,
        )
        return runs.planned(tx, claimed, sealed)


def declared(scene: Scene, level: Level, title: str) -> Incident:
    with scene.database.write() as tx:
        incidents.declare(tx, site="production", level=level, title=title, person="aiko", started_at=NOW - HOURS / 2)
    return scene.opened()


def asked(scene: Scene, run: Run, *proofs: str) -> None:
    """An open request whose proof is there."""
    assert run.plan is not None
    gate = next(step for step in run.plan.steps if step.gate is not None)
    assert gate.gate is not None
    with scene.database.write() as tx:
        for name in proofs:
            steps.start(tx, run, name, title=name)
            steps.succeed(tx, run, name, summary="ok", seconds=3)
        request = requests.open(
            tx,
            run,
            gate=gate.id,
            guards=gate.gate.for_,
            seal=seal_of(run.plan),
            question=question_of(run.plan),
            target="production",
            people=2,
            requesters=("aiko",),
            requester_counts=False,
            vote_seconds=1800,
            start_seconds=900,
        )
        requests.prove(tx, request.id)


def looked_at(
    visit: Visit, scene: Scene, incident: Incident, name: str, *, heading: str = "", text: str = ""
) -> Locator:
    """The message on the page, and its picture."""
    page: Page = visit(scene.simulator.url, "ben", width=1100, height=1600)
    page.locator(f"#sidebar [data-channel='{incident.channel_name}']").click()
    messages = page.locator("#messages .message")
    found = (
        messages.filter(has=page.get_by_role("heading", name=heading)) if heading else messages.filter(has_text=text)
    )
    found = found.last
    found.wait_for(timeout=PATIENCE * 1000)
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        suffix = "" if language(scene) == "en" else f".{language(scene)}"
        wait_for(lambda: kept_picture(found, Path(folder) / f"{name}{suffix}.png"), PATIENCE, "a picture")
    return found


def kept_picture(message: Locator, path: Path) -> bool:
    """Again if need be: the message may be drawn anew at that very moment."""
    try:
        message.screenshot(path=path)
    except Error:
        return False
    return True


def test_the_card_of_an_undo(spoken: Scene, visit: Visit) -> None:
    incident = declared(spoken, Level.DATABASE, "PostgreSQL does not start")
    run = planned(spoken, incident, "level2-undo", UNDO, None)
    asked(spoken, run, "look-kept")

    words = {"en": ("Approval needed", "Approve undo…"), "ja": ("承認が必要です", "元に戻すことを承認…")}
    heading, button = words[language(spoken)]
    card = looked_at(visit, spoken, incident, "undo-card", heading=heading)
    expect(card.get_by_role("button", name=button)).to_be_visible()
    expect(card).to_contain_text("412")


def test_the_card_of_a_host_that_holds_data(spoken: Scene, visit: Visit) -> None:
    incident = declared(spoken, Level.HOST, "The server does not answer")
    backup = BACKUP.model_copy(update={"name": "full_backup_20261126_020000.tar.gz", "size": 240_000_000})
    run = planned(spoken, incident, "level3-host", HOST, backup, occupants=OCCUPANTS)
    asked(spoken, run, "fetch")

    words = {
        "en": ("Approval needed", "Approve replacing the host's data…"),
        "ja": ("承認が必要です", "ホストのデータの置き換えを承認…"),
    }
    heading, button = words[language(spoken)]
    card = looked_at(visit, spoken, incident, "host-card", heading=heading)
    expect(card.get_by_role("button", name=button)).to_be_visible()


def test_the_card_of_a_dr_yml_that_nobody_agreed_to(spoken: Scene, visit: Visit) -> None:
    incident = declared(spoken, Level.HOST, "The server does not answer")
    changed = ("repository url: https://git.example.com/system.git → https://git.example.org/system.git",)
    stakes = HOST.model_copy(update={"act": Act.NOTHING})
    run = planned(spoken, incident, "level3-host", stakes, None, asks_first=changed)
    asked(spoken, run)

    words = {
        "en": ("a changed dr.yml", "Approve changed dr.yml…", "nothing by this approval"),
        "ja": ("変更された dr.yml", "dr.yml の変更を承認…", "何も置き換えません"),
    }
    heading, button, replaced_by_it = words[language(spoken)]
    card = looked_at(visit, spoken, incident, "settings-card", heading=heading)
    expect(card.get_by_role("button", name=button)).to_be_visible()
    expect(card).to_contain_text(replaced_by_it)
    expect(card).to_contain_text("git.example.org")


def test_a_decision_in_two_lines(spoken: Scene, visit: Visit) -> None:
    incident = declared(spoken, Level.DATABASE, "PostgreSQL does not start")
    run = planned(spoken, incident, "level2-postgres", RESTORE, BACKUP)
    why = "Not healthy after 60 s: auth: http://127.0.0.1:8001/health answers 503: starting; user: timed out"
    with spoken.database.write() as tx:
        steps.start(tx, run, "health", title="health")
        steps.fail(tx, run, "health", why=why)
        steps.found(tx, run.id, "health", passed=False, sentence=why)
        told: dict[str, Any] = {"question": why, "finding": why, "passed": False, "broken": ["auth", "user"]}
        seen = waking.wakes(tx.connection, run.id)
        assert runs.park(tx, run, RunState.NEEDS_DECISION, seen_wakes=seen, step="health", **told)

    line = {"en": "not working:", "ja": "動いていないもの:"}[language(spoken)]
    button = say(phrase("Try again"), language(spoken))
    message = looked_at(visit, spoken, incident, "decision", text=line)
    expect(message.get_by_role("button", name=button)).to_be_visible()
    expect(message).not_to_contain_text("8001")


def test_no_to_the_question_at_the_end(spoken: Scene, visit: Visit) -> None:
    incident = declared(spoken, Level.DATABASE, "PostgreSQL does not start")
    run = planned(spoken, incident, "level2-postgres", RESTORE, BACKUP)
    with spoken.database.write() as tx:
        incidents.recovering(tx, incident.id, run.id)
        incidents.recovered(tx, incident.id, run=run.id, rto_seconds=1900, rpo_seconds=5400, outage_seconds=9)
        steps.ask(tx, run, "confirm", run_question(run), ["yes", "no"])

    words = {
        "en": ("Can users sign in", "No", "users cannot work"),
        "ja": ("ログインでき", "いいえ", "まだ利用できません"),
    }
    line, button, answer = words[language(spoken)]
    message = looked_at(visit, spoken, incident, "question", text=line)
    message.get_by_role("button", name=button, exact=True).click()

    def answers() -> list[object]:
        return [event.payload["answer"] for event in spoken.events() if event.kind is EventKind.STEP_ANSWERED]

    wait_for(answers, PATIENCE, "the answer")
    assert answers() == ["no"]
    taken(spoken, run)
    told = looked_at(visit, spoken, incident, "no-at-the-end", text=answer)
    again = say(phrase("Undo: bring the old data back"), language(spoken))
    expect(told.get_by_role("button", name=again)).to_be_visible()


def run_question(run: Run) -> str:
    assert run.plan is not None
    ask = run.plan.step("confirm").ask
    assert ask is not None
    return ask.text


def taken(scene: Scene, run: Run) -> None:
    """The worker takes the answer and ends the run, as runners/execution does."""
    keeper = Kept(
        site="production",
        incident=run.incident,
        run=run.id,
        volume=RESTORE.keeps.names[0],
        original="data",
        size_bytes=13_400_000,
        created_at=NOW,
    )
    with scene.database.write() as tx:
        kept.add(tx, keeper)
        steps.fail(tx, run, "confirm", why="Ben answered: no.")
        incidents.users_say(tx, run.incident, UsersSay.NO, "ben", run.id)
        why = "Ben answered: no. The data was replaced; the old data is kept. The services were started."
        runs.finish(tx, run, RunState.FAILED, why, step="confirm", offers=[Offer.UNDO])
