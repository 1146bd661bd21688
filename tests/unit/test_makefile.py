"""`make clean` removes what was made in this folder, whatever home the shell names."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_clean_stops_the_engine_of_the_folder_that_it_deletes() -> None:
    environment = {**os.environ, "DRBOT_HOME": "/elsewhere"}

    done = subprocess.run(
        ["make", "-n", "clean"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    (stops,) = (line for line in done.stdout.splitlines() if "lab reset" in line)
    (deletes,) = (line for line in done.stdout.splitlines() if line.startswith("rm -rf"))
    assert "DRBOT_HOME=.drbot " in stops and " .drbot " in deletes and "/elsewhere" not in done.stdout
