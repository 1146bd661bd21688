"""`drbot bench`: on the same lab and data drbot is faster than the document's scripts, and nothing is missing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(1800)]


def measured(folder: Path, level: int) -> dict[str, Any]:
    path = folder / "measured.json"
    words = ["bench", "--level", str(level), "--megabytes", "5", "--json", str(path)]
    done = subprocess.run([sys.executable, "-P", "-m", "drbot.cli.main", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads(path.read_text())["sizes"]
    return dict(found)


@pytest.mark.parametrize(("level", "waits", "ways"), [(2, 40, {"dump", "moment"}), (3, 75, {"full"})])
def test_drbot_is_faster_than_the_documents_script_and_brings_everything_back(
    tmp_path: Path, level: int, waits: int, ways: set[str]
) -> None:
    found = measured(tmp_path, level)
    document = found["ways"].pop("document")

    assert set(found["ways"]) == ways
    assert document["rows"] == found["rows"]
    assert document["keys"] == (500 if level == 2 else 0)  # Redis appends, so a copied RDB is ignored
    assert len(document["steps"]) == {2: 11, 3: 12}[level]
    for way in found["ways"].values():
        assert document["total"] > waits > way["total"] > way["planning"] > 0
        assert document["outage"] > way["outage"] > 0
        assert (way["rows"], way["keys"]) == (found["rows"], 500)
