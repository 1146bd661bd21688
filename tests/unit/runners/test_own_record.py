"""What the worker's own host remembers: whole, private, and with a time that never goes back."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.run import StepState
from drbot.runners.foundation.own_record import CLOCK, FOLDER, OwnRecord, OwnStep
from drbot.runners.foundation.private_folder import PrivateFolder


def test_what_was_noted_is_there_after_a_restart(tmp_path: Path) -> None:
    OwnRecord(tmp_path).planned("r1", "a" * 64, incident=1, engine="e")
    OwnRecord(tmp_path).change("r1", lambda run: run.with_step("swap", OwnStep(state=StepState.SUCCEEDED)))

    known = OwnRecord(tmp_path).run("r1")

    assert known is not None and known.has_succeeded("swap") and not known.has_succeeded("verify")


def test_a_run_that_was_begun_is_never_planned_again_with_another_plan(tmp_path: Path) -> None:
    record = OwnRecord(tmp_path)
    record.planned("r1", "a" * 64, incident=1, engine="e")
    record.planned("r1", "b" * 64, incident=1, engine="e")
    record.change("r1", lambda run: run.with_step("evidence", OwnStep(state=StepState.RUNNING)))

    with pytest.raises(PermanentError, match="begun by another plan"):
        record.planned("r1", "c" * 64, incident=1, engine="e")


def test_a_clock_that_is_set_back_gives_nobody_more_time(tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(hours=3)
    files = PrivateFolder(tmp_path / FOLDER)
    files.write(CLOCK, later.isoformat())  # as it was before somebody set the clock back and started drbot again

    record = OwnRecord(tmp_path)
    first = record.now()

    assert first >= later
    assert record.now() >= first


def test_only_the_workers_user_can_read_it(tmp_path: Path) -> None:
    OwnRecord(tmp_path).planned("r1", "a" * 64, incident=1, engine="e")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / FOLDER).rglob("*")}

    assert modes and all(mode & 0o077 == 0 for mode in modes.values()), modes


@pytest.mark.parametrize("name", ["../key", "/etc/passwd", "", ".", "r1/../../key"])
def test_a_run_of_the_database_names_no_other_file(tmp_path: Path, name: str) -> None:
    own = OwnRecord(tmp_path)

    assert own.run(name) is None
    with pytest.raises(PermanentError, match="no name of a run"):
        own.planned(name, "seal", incident=1, engine="x")
