"""A stranger who does what the demo prints arrives at its end."""

import pytest

from drbot.cli.demo_steps import steps_of


@pytest.mark.parametrize(("level", "typed"), [(2, "production"), (4, "recovery")])
def test_who_votes_is_told_every_field_of_the_dialog(level: int, typed: str) -> None:
    told = "\n".join(steps_of(level))

    assert f"type [bold]{typed}[/] and a reason" in told


@pytest.mark.parametrize("level", [1, 3])
def test_nobody_is_sent_to_vote_where_nothing_is_replaced(level: int) -> None:
    assert "Approve" not in "\n".join(steps_of(level))


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_the_report_comes_last_and_then_the_same_as_a_drill(level: int) -> None:
    *_, report, drill = steps_of(level)

    assert report.endswith("[bold]Resolve and write the report[/].")
    assert f"/dr drill level{level} rehearsed" in drill
