"""A backup never takes another one's place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from drbot.runners.backups.make_dump import claim, first_free, name_of

MOMENT = datetime(2026, 11, 1, 2, tzinfo=UTC)


def test_two_backups_of_one_second_are_two(tmp_path: Path) -> None:
    (tmp_path / name_of(MOMENT)).touch()
    (tmp_path / f"{name_of(MOMENT + timedelta(seconds=1))}.part").touch()  # somebody is at work on it

    claimed = first_free(MOMENT, lambda moment: claim(tmp_path, name_of(moment)))

    assert claimed == MOMENT + timedelta(seconds=2)
    assert (tmp_path / f"{name_of(claimed)}.part").exists()
