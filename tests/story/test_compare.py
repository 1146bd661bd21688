"""`drbot compare`: on the same lab and backup drbot is faster than the document's scripts, and nothing is missing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1800)]


def compared(folder: Path, level: int) -> dict[str, Any]:
    path = folder / "measured.json"
    words = ["compare", "--level", str(level), "--megabytes", "5", "--json", str(path)]
    done = subprocess.run([sys.executable, "-P", "-m", "drbot.cli.main", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(path.read_text()))


@pytest.mark.parametrize(("level", "waits"), [(2, 40), (3, 75)])
def test_drbot_is_faster_than_the_documents_script_and_brings_everything_back(
    tmp_path: Path, level: int, waits: int
) -> None:
    measured = compared(tmp_path, level)
    document, drbot = measured["document"], measured["drbot"]

    assert document["total"] > waits > drbot["total"]
    assert document["outage"] > drbot["outage"] > 0
    assert drbot["rows"] == measured["rows"] == document["rows"]
    assert drbot["keys"] == 500
    assert document["keys"] == (500 if level == 2 else 0)  # Redis appends, so a copied RDB is ignored
    assert len(document["steps"]) == {2: 11, 3: 12}[level]
