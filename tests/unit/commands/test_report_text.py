"""The report: figures against targets, phases, and nothing that people wrote can break it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from drbot.commands.views.event_lines import Voice
from drbot.commands.views.markdown_text import escape, unescaped
from drbot.commands.views.report_text import report_of
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.action_item import ActionItem
from drbot.core.runs.drill import Drill, DrillEnd
from drbot.core.runs.incident import Incident, IncidentState, UsersSay
from drbot.core.runs.run import Run, RunKind, RunState, StepRecord, StepState
from drbot.core.runs.stakes import Act, KeepKind, Keeps, KeptData, Loss, LossKind, Stakes
from drbot.core.site.inventory import Inventory, KnownService, Mount
from drbot.core.site.level import Level
from drbot.core.site.people import Roster
from drbot.core.site.site import DRILL_SITE, Backups, Configuration, Site
from drbot.store.records.kept import Kept
from tests.unit.bot.situations import plan, record, run, step

START = datetime(2026, 11, 26, 3, tzinfo=UTC)
KEPT = Kept(
    site="production", incident=7, run="r1", volume="pgdata_before_r1", original="pgdata", size_bytes=None,
    created_at=START,
)  # fmt: skip
CONFIGURATION = Configuration(
    system="ai-micro-service",
    sites={"production": Site(projects=Path("/srv"), services={})},
    backups=Backups(directory=Path("/backups")),
)
EVENTS = (
    EventKind.INCIDENT_DECLARED,
    EventKind.RUN_PLANNED,
    EventKind.INCIDENT_RECOVERING,
    EventKind.KEPT_CREATED,
    EventKind.INCIDENT_RECOVERED,
    EventKind.INCIDENT_CONFIRMED,
)


def report(
    *,
    rto_seconds: float | None = 600.0,
    closed_broken: bool = False,
    told_at: tuple[datetime, ...] = (),
    title: str = "PostgreSQL is broken",
    language: str = "en",
    repair_times: tuple[float, ...] = (),
    runs: tuple[Run, ...] = (),
    steps: tuple[StepRecord, ...] = (),
    drill: Drill | None = None,
    actions: tuple[ActionItem, ...] = (),
) -> str:
    incident = Incident(
        id=7, site="production" if drill is None else DRILL_SITE, level=Level.DATABASE, title=title,
        state=IncidentState.RECOVERED, declared_by="aiko",
        declared_at=START, started_at=START, rto_seconds=rto_seconds, rpo_seconds=3600, outage_seconds=9,
    )  # fmt: skip
    if closed_broken:
        incident = replace(incident, state=IncidentState.RESOLVED, users_say=UsersSay.NO)
    events = [
        Event(seq=number, at=START + timedelta(minutes=number), kind=kind, incident=7)
        for number, kind in enumerate(EVENTS, 1)
    ]
    return report_of(
        incident=incident, events=events, runs=runs, steps=steps, requests=[], votes={}, repair_times=repair_times,
        configuration=CONFIGURATION, voice=voice(language), today=START.date(),
        drill=drill, actions=actions, kept=[KEPT], told_at=told_at,
    )  # fmt: skip


def voice(language: str) -> Voice:
    return Voice(language=language, roster=Roster(people={}), incident="DR-1", plans={})


@pytest.mark.parametrize(("rto_seconds", "verdict"), [(600, "met"), (5 * 3600, "MISSED")])
def test_every_figure_is_measured_against_its_target(rto_seconds: float, verdict: str) -> None:
    row = next(line for line in report(rto_seconds=rto_seconds).splitlines() if line.startswith("| RTO"))

    assert row.endswith(f"| 4 h 00 min | {verdict} |")


@pytest.mark.parametrize(
    ("repair_times", "row"),
    [
        ((), "| MTTR of level 2 (mean RTO of 0) | - | 2 h 00 min |  |"),
        ((3600.0, 7200.0), "| MTTR of level 2 (mean RTO of 2) | 1 h 30 min | 2 h 00 min | met |"),
        ((3600.0, 14_400.0), "| MTTR of level 2 (mean RTO of 2) | 2 h 30 min | 2 h 00 min | MISSED |"),
    ],
)
def test_the_mean_of_all_recoveries_of_the_level_has_a_target_too(repair_times: tuple[float, ...], row: str) -> None:
    assert row in report(repair_times=repair_times).splitlines()


def test_what_no_backup_held_is_named_and_no_loss_counts_as_met() -> None:
    mount = Mount(kind="volume", source="shop_lite", target="/data")
    inventory = Inventory(services=(KnownService(project="shop", service="web", mounts=(mount,)),))
    raised = plan(steps=(step("configuration", do="configuration.restore"),), inventory=inventory)
    text = report(runs=(run(RunState.SUCCEEDED, raised),))

    assert "Not brought back, because no backup held it: shop\\_lite." in text
    assert next(line for line in text.splitlines() if line.startswith("| RPO")).endswith("| MISSED |")


def test_the_timeline_follows_the_phases_of_nist() -> None:
    text = report()

    assert text.index("### Activation") < text.index("### Recovery") < text.index("### Reconstitution")
    assert text.index("### Recovery") < text.index("Production is changed from here on") < text.index("Recovered:")


def test_the_report_speaks_japanese() -> None:
    assert "## 目標との比較" in report(language="ja")


def test_what_a_person_wrote_stays_text() -> None:
    text = report(title="<!channel> | **approved** ✅\n# Resolved {level}")

    assert "<!channel>" not in text
    assert "\n# Resolved" not in text
    assert r"\*\*approved" in text
    assert escape("a|b\nc") == r"a\|b c"


def test_the_end_of_a_run_stands_apart_from_its_name() -> None:
    ended = replace(run(RunState.SUCCEEDED), outcome="Done, *really*.")
    text = report(runs=(ended,), steps=(record("swap", StepState.SUCCEEDED),))

    assert f"`{ended.id}` Done, \\*really\\*." in text


def drill(end: DrillEnd = DrillEnd.PASSED, why: str | None = None, **found: tuple[str, ...] | int) -> Drill:
    return Drill(
        incident=7, level=Level.DATABASE, site="production", runbook="level2-postgres", service=None, asked_by="aiko",
        asked_at=START, instance="x", rehearsed=True, end=end, why=why, **found,  # type: ignore[arg-type]
    )  # fmt: skip


def part_of(text: str, title: str) -> list[str]:
    """The lines of a section."""
    _, _, after = text.partition(f"## {title}\n\n")
    return after.split("\n\n## ")[0].strip().splitlines()


def test_the_report_of_a_drill_has_the_form_of_a_test() -> None:
    text = report(drill=drill(packets_to_production=0))

    assert text.startswith("# Disaster recovery test report DRILL-7")
    assert "- **Test date**: 2026-11-26\n- **Test type**: Recovery of level 2\n- **Environment**: a copy of" in text
    assert part_of(text, "Results") == [
        "- **RTO goal**: 4 h 00 min",
        "- **Actual RTO**: 10 min ✓",
        "- **RPO goal**: 6 h 00 min",
        "- **Actual RPO**: 1 h 00 min ✓",
        "- **How it went**: ✓ recovered in time",
    ]
    assert part_of(text, "Issues identified") == ["None."]


def test_every_issue_of_a_drill_is_named() -> None:
    failed = replace(record("swap", StepState.FAILED), summary="the disk is full")
    again = replace(record("restore-beside", StepState.SUCCEEDED), attempt=3)
    ended = run(RunState.FAILED)
    found = drill(DrillEnd.MISSED, production_changes=("container x",), leftovers=("volume y",))

    text = report(rto_seconds=5 * 3600, drill=found, runs=(ended,), steps=(again, failed))

    assert "- **Actual RTO**: 5 h 00 min ✗" in text
    issues = part_of(text, "Issues identified")
    assert issues[0] == "1. The RTO goal was missed: it took 5 h 00 min."
    assert issues[1].endswith("it took 3 attempts.")
    assert issues[2].endswith(": the disk is full.")
    assert issues[3:] == ["4. Changed in production: container x.", "5. Left behind: volume y."]


def test_a_drill_that_failed_without_a_step_says_why() -> None:
    text = report(drill=drill(DrillEnd.FAILED, why="the engine did not start"))

    assert part_of(text, "Issues identified") == ["1. the engine did not start."]


def test_action_items_stand_with_owner_and_day_whatever_somebody_wrote() -> None:
    item = ActionItem(incident=7, number=1, text="use <!here> | *less*", owner="ben", due=START.date())
    done = replace(item, number=2, text="renew it", done_at=START, done_by="ben")
    late = replace(item, number=3, text="ask", due=date(2026, 11, 1))

    lines = part_of(report(actions=(item, done, late)), "Action items")

    assert lines == [
        r"1. use &lt;!here&gt; \| \*less\* (**ben**, by 2026-11-26)",
        "2. ✓ renew it (**ben**, by 2026-11-26, done)",
        "3. ✗ ask (**ben**, by 2026-11-01, overdue)",
    ]
    assert part_of(report(), "Action items") == [
        "None yet. Add one: /dr action DR-7 add &lt;what&gt; @person YYYY-MM-DD"
    ]


def test_what_a_drill_kept_went_with_its_copy_and_nobody_is_sent_to_look_for_it() -> None:
    title = "What is kept of the data that was replaced"
    assert part_of(report(), title) == ["- `pgdata_before_r1`, 2026-11-26 03:00:00 UTC"]

    assert f"## {title}" not in report(drill=drill())


def test_an_incident_that_was_closed_over_a_broken_system_has_missed_its_rto() -> None:
    (line,) = (line for line in report(rto_seconds=None, closed_broken=True).splitlines() if "RTO (" in line)

    assert "MISSED" in line


def test_the_first_page_says_how_long_what_was_lost_and_who_was_told_when() -> None:
    loss = Loss(kind=LossKind.SINCE_BACKUP, seconds=3600.0, rows=12)
    done = run(RunState.SUCCEEDED, plan(stakes=Stakes(loss=loss)))

    text = report(runs=(done,), told_at=(START, START + timedelta(hours=1)))
    short = text[text.index("## In short") : text.index("## Measured")]

    assert "**Users were without service**: 10 min" in short
    assert "12 rows" in short
    assert "2 times, from 2026-11-26 03:00:00 UTC to 2026-11-26 04:00:00 UTC" in short
    assert "drbot posted nothing to them" in report()


@pytest.mark.parametrize(
    ("state", "is_lost"),
    [(StepState.SUCCEEDED, True), (StepState.UNSURE, True), (StepState.PENDING, False), (StepState.UNDONE, False)],
)
@pytest.mark.parametrize("end", [RunState.WAITING, RunState.FAILED])
def test_what_was_replaced_is_lost_before_people_say_that_they_can_work(
    state: StepState, is_lost: bool, end: RunState
) -> None:
    made = plan(stakes=Stakes(loss=Loss(kind=LossKind.SINCE_BACKUP, rows=12)))

    text = report(runs=(run(end, made),), steps=(record("swap", state),))

    assert ("12 rows" in text[text.index("## In short") : text.index("## Measured")]) is is_lost


def test_what_an_undo_brought_back_is_not_lost_and_what_it_put_aside_is_kept() -> None:
    keeps, aside = (Keeps(kind=KeepKind.VOLUME, names=(name,)) for name in ("pgdata_before_r1", "pgdata_before_r2"))
    lost = Loss(kind=LossKind.SINCE_BACKUP, rows=12)
    restored = plan(run="r1", stakes=Stakes(act=Act.RESTORE, loss=lost, keeps=keeps))
    brought = KeptData(volume="pgdata_before_r1", original="pgdata", made_at="x")
    since = Loss(kind=LossKind.SINCE_SWAP, rows=3)
    undone = plan(run="r2", stakes=Stakes(act=Act.UNDO, loss=since, keeps=aside, kept=brought))
    again = plan(run="r3", stakes=undone.stakes.model_copy(update={"kept": replace_volume(brought)}))

    once, twice = (
        report(runs=tuple(run(RunState.SUCCEEDED, made) for made in made_of))
        for made_of in ((restored, undone), (restored, undone, again))
    )

    assert "what r1 replaced is not lost: an undo brought it back" in once and "12 rows" not in once
    assert "not lost, but put aside by an undo: everything written since the swap" in once
    assert "12 rows" in twice and "what r2 replaced is not lost" in twice


def replace_volume(kept: KeptData) -> KeptData:
    return kept.model_copy(update={"volume": "pgdata_before_r2"})


def test_nothing_counts_as_lost_or_as_whole_before_a_recovery_succeeded() -> None:
    looked = replace(
        run(RunState.SUCCEEDED, plan(stakes=Stakes(loss=Loss(kind=LossKind.SINCE_BACKUP)))), kind=RunKind.PLAN
    )

    assert "- **Lost**: not known yet" in report(runs=(looked,)).splitlines()
    closed = report(closed_broken=True, runs=(run(RunState.FAILED),)).splitlines()
    assert "- **Lost**: not known: nothing was brought back by drbot" in closed
    restarted = run(RunState.SUCCEEDED, plan(stakes=Stakes(loss=Loss(kind=LossKind.NOTHING))))
    assert "- **Lost**: nothing" in report(runs=(restarted,)).splitlines()


@pytest.mark.parametrize("words", ["shop_pgdata", "<what> & [why]", "a|b `c` *d*", "C:\\temp"])
def test_at_a_terminal_names_are_read_as_they_are(words: str) -> None:
    assert unescaped(escape(words)) == words
