"""The picture of the trend: what is in it, and that nobody sees boxes in place of letters."""

import shutil
import struct
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from matplotlib.font_manager import FontEntry, fontManager

from drbot.commands.speech.refusal import Refusal
from drbot.commands.views.drill_trend import MOST, drawn, font_with, fonts_in, picture_of
from drbot.core.runs.drill import Drill, DrillEnd, DrillState
from drbot.core.site.level import Level
from drbot.core.site.site import Targets

BEGAN = datetime(2026, 11, 30, 8, tzinfo=UTC)
GOAL = 4 * 3600.0
PLAIN = [one for one in fontManager.ttflist if one.name == "DejaVu Sans"]
"""A machine without fonts of its own has what matplotlib brings."""


def drill(number: int, seconds: float | None, end: DrillEnd | None = DrillEnd.PASSED, level: int = 1) -> Drill:
    return Drill(
        incident=number, level=Level(level), site="production", runbook="x", service=None, asked_by="aiko",
        asked_at=BEGAN + timedelta(days=number), instance="x", rehearsed=True, state=DrillState.ENDED, end=end,
        rto_seconds=seconds,
    )  # fmt: skip


def size_of(png: bytes) -> tuple[int, int]:
    return struct.unpack(">II", png[16:24])


EVERYTHING = (
    drill(1, 6.0),
    drill(2, 0.0, level=2),
    drill(3, None, DrillEnd.FAILED, level=3),
    drill(4, 9 * GOAL, DrillEnd.MISSED, level=4),
)


@pytest.mark.parametrize("shown", [EVERYTHING, EVERYTHING[:1], EVERYTHING[2:3]], ids=["all", "one", "not recovered"])
def test_whatever_was_measured_is_drawn(shown: Sequence[Drill]) -> None:
    assert drawn(shown, GOAL, "en", PLAIN).startswith(b"\x89PNG")


def test_every_figure_of_a_drill_changes_the_picture() -> None:
    other = [drill(1, 7.0), drill(1, 6.0, DrillEnd.MISSED), drill(1, 6.0, level=2), drill(5, 6.0), drill(1, None)]
    pictures = {drawn([one], GOAL, "en", PLAIN) for one in (drill(1, 6.0), *other)}

    assert len(pictures) == 6
    assert drawn([drill(1, 6.0)], 2 * GOAL, "en", PLAIN) not in pictures


def test_where_no_font_has_the_letters_it_speaks_english() -> None:
    assert drawn(EVERYTHING, GOAL, "ja", PLAIN) == drawn(EVERYTHING, GOAL, "en", PLAIN)


def test_a_font_is_taken_that_has_every_letter() -> None:
    last_resort = [one for one in fontManager.ttflist if one.name.startswith("Last Resort")]

    assert str(font_with(PLAIN, "RTO 4 h")).endswith("/DejaVuSans.ttf"), "the host's, or the one that matplotlib brings"
    assert font_with([*PLAIN, *last_resort], "訓練") is None, "a font of boxes is none"
    assert font_with([FontEntry(fname="x", style="italic")], "RTO") is None


def test_a_font_that_was_installed_or_removed_since_matplotlib_looked_is_noticed(tmp_path: Path) -> None:
    installed = tmp_path / "new.ttf"
    shutil.copy(PLAIN[0].fname, installed)
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    gone = FontEntry(fname=str(tmp_path / "gone.ttf"), name="Gone")

    found = {one.fname for one in fonts_in([str(tmp_path)], known=[gone, PLAIN[0]])}

    assert found == {str(installed), PLAIN[0].fname}


def test_the_newest_are_shown_the_oldest_of_them_first() -> None:
    many = [drill(number, 6.0) for number in range(40, 0, -1)]

    newest = picture_of(many, Targets())("en")

    assert newest == picture_of(many[:MOST], Targets())("en")
    assert size_of(newest)[0] <= 2100, "pixels that a screen has room for"


@pytest.mark.parametrize("end", [DrillEnd.STOPPED, DrillEnd.BROKEN_OFF, None])
def test_what_did_not_go_to_its_end_proves_nothing(end: DrillEnd | None) -> None:
    with pytest.raises(Refusal, match="No drill went to its end"):
        picture_of([drill(1, None, end)], Targets())


def test_where_the_library_is_missing_whoever_asks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as Python says of what cannot be imported

    with pytest.raises(Refusal, match="matplotlib is not installed"):
        picture_of([drill(1, 6.0)], Targets())


@pytest.mark.parametrize(("changed", "left"), [(("shop-web-1",), ()), ((), ("a volume",))])
def test_a_drill_that_left_traces_is_not_said_to_have_passed(changed: tuple[str, ...], left: tuple[str, ...]) -> None:
    passed = replace(drill(1, 30), packets_to_production=0)
    traced = replace(passed, production_changes=changed, leftovers=left)

    assert passed.is_clean and passed.how.startswith("✓")
    assert not traced.is_clean and traced.how.startswith("!")
    assert replace(passed, packets_to_production=None).how.startswith("!")  # not seen to be shut in: it ends with 1
