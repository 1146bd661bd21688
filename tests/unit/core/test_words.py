"""What people read and type: durations, levels, names of incidents and channels, masked secrets."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drbot.core.runs.incident import Incident, IncidentState, channel_name, incident_number
from drbot.core.site.level import Level
from drbot.core.text.messages import OwnWords, duration, say
from drbot.core.text.words import seconds_of, size


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (0.4, "0 s", "0 秒"),
        (59, "59 s", "59 秒"),
        (61, "1 min 01 s", "1 分 01 秒"),
        (720, "12 min", "12 分"),
        (4320, "1 h 12 min", "1 時間 12 分"),
        (100_000, "1 d 3 h", "1 日 3 時間"),
        (-5, "0 s", "0 秒"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, english: str, japanese: str) -> None:
    assert duration(seconds) == english
    assert say(duration(seconds), "ja") == japanese


def test_sizes_and_durations_of_files() -> None:
    assert [size(n) for n in (12, 479_014, 13_400_000, 2e9, 3e12)] == [
        "12 B",
        "479.0 kB",
        "13.4 MB",
        "2.0 GB",
        "3.0 TB",
    ]
    assert [seconds_of(t) for t in ("90s", "30m", "4h", "3d", "250ms", 7)] == [90, 1800, 14_400, 259_200, 0.25, 7]
    with pytest.raises(ValueError, match="write 90s"):
        seconds_of("soon")


def test_a_missing_translation_falls_back_to_english() -> None:
    assert say(OwnWords({"en": "Stopped"}), "ja") == "Stopped"


@pytest.mark.parametrize(("word", "number"), [("DR-7", 7), ("dr7", 7), ("#7", 7), ("7", None), ("DR-x", None)])
def test_incidents_are_named_by_number(word: str, number: int | None) -> None:
    assert incident_number(word) == number


def incident(title: str) -> Incident:
    now = datetime(2026, 1, 31, 3, tzinfo=UTC)
    return Incident(
        id=7,
        site="production",
        level=Level.DATABASE,
        title=title,
        state=IncidentState.DECLARED,
        declared_by="aiko",
        declared_at=now,
        started_at=now,
    )


@given(st.text(max_size=200))
def test_every_title_makes_a_channel_name_that_slack_accepts(title: str) -> None:
    name = channel_name(incident(title))

    assert len(name) <= 80
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert name.startswith("dr-20260131-l2")
    assert name.endswith("-7")
