"""Slack refuses something for good: it is said where people are, and the rest goes on."""

from pathlib import Path

import pytest

from core.events import EventKind
from store import incidents
from tests.integration.bot.conftest import ROOT, Scene
from tests.integration.bot.worker import opened, planned


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """An app that was installed without the right to make channels."""
    lines = (ROOT / "manifest.yml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "- channels:manage" not in line and "- groups:write" not in line]
    path = tmp_path / "manifest.yml"
    path.write_text("\n".join(kept), encoding="utf-8")
    return path


def test_without_the_right_to_make_channels_everything_is_shown_in_the_home_channel(served: Scene) -> None:
    assert served.people.command("U00AIKO", "dr-ops", "/dr declare level2 PostgreSQL is down").acknowledged
    served.message("dr-ops", lambda one: "missing_scope" in str(one["blocks"]), "the reason")
    with served.database.read() as connection:
        incident = incidents.recent(connection)[0]

    opened(served.database, planned(served.database, incident))

    served.message("dr-ops", lambda one: "DR-1 · Level 2" in str(one["blocks"]), "the board")
    served.message("dr-ops", lambda one: "Approval needed" in one["text"], "the card")
    failed = [event for event in served.events() if event.kind is EventKind.CONTROL_FAILED]
    assert len(failed) == 1
    assert "manifest.yml" in failed[0].payload["todo"]
