"""What can be done after an undo that did not work: each button says what it brings."""

from dataclasses import replace

from drbot.commands.views.available_actions import available_actions
from drbot.core.runs.incident import IncidentState
from drbot.core.runs.run import Run, RunKind, RunState
from tests.unit.bot.situations import KEPT, RUN, run, situation


def labels(of: Run, keeper: str) -> dict[str, str]:
    kept = (replace(KEPT, run=keeper),)
    shown = situation(run=of, kept=kept, runbooks=frozenset({"level2-postgres"}), state=IncidentState.RECOVERING)
    return {action.verb: action.label for action in available_actions(shown)}


def test_buttons_say_what_they_bring_back() -> None:
    failed = run(RunState.FAILED)
    undone = replace(failed, kind=RunKind.UNDO)

    wanted = ("undo", "recover")
    assert [labels(undone, RUN)[verb] for verb in wanted] == [
        "Back to the data before the undo",
        "Restore from a backup",
    ]
    assert [labels(failed, RUN)[verb] for verb in wanted] == ["Undo: bring the old data back", "Try again"]
    assert labels(undone, "r1-before")["undo"] == "Undo: bring the old data back"
