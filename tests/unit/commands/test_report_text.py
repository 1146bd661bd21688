"""The report: figures against targets, phases, and nothing that people wrote can break it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.commands.views.event_lines import Voice
from drbot.commands.views.report_text import escape, report_of
from drbot.core.ledger.events import Event, EventKind
from drbot.core.runs.incident import Incident, IncidentState
from drbot.core.runs.run import Run, RunState, StepRecord, StepState
from drbot.core.site.level import Level
from drbot.core.site.people import Roster
from drbot.core.site.site import Backups, Configuration, Site
from tests.unit.bot.situations import record, run

START = datetime(2026, 11, 26, 3, tzinfo=UTC)
CONFIGURATION = Configuration(
    system="ai-micro-service",
    sites={"production": Site(projects=Path("/srv"), services={})},
    backups=Backups(directory=Path("/backups")),
)
EVENTS = (
    EventKind.INCIDENT_DECLARED,
    EventKind.RUN_PLANNED,
    EventKind.INCIDENT_RECOVERING,
    EventKind.INCIDENT_RECOVERED,
    EventKind.INCIDENT_CONFIRMED,
)


def report(
    *,
    rto_seconds: float = 600.0,
    title: str = "PostgreSQL is broken",
    language: str = "en",
    repair_times: tuple[float, ...] = (),
    runs: tuple[Run, ...] = (),
    steps: tuple[StepRecord, ...] = (),
) -> str:
    incident = Incident(
        id=7, site="production", level=Level.DATABASE, title=title, state=IncidentState.RECOVERED, declared_by="aiko",
        declared_at=START, started_at=START, rto_seconds=rto_seconds, rpo_seconds=3600, outage_seconds=9,
    )  # fmt: skip
    events = [
        Event(seq=number, at=START + timedelta(minutes=number), kind=kind, incident=7)
        for number, kind in enumerate(EVENTS, 1)
    ]
    return report_of(
        incident=incident, events=events, runs=runs, steps=steps, requests=[], votes={}, repair_times=repair_times,
        configuration=CONFIGURATION, voice=voice(language),
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
