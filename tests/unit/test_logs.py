"""What reaches a process's log: no secret of the environment, none by its shape, and no values of variables."""

import os
import subprocess
import sys
from pathlib import Path

from drbot.core.text.redaction import MASK

SPEAKING = """
import structlog
from drbot.cli.logs import configure_logs

configure_logs()
log = structlog.get_logger()
log.info("Connecting.", url="redis://:geheim77@cache/0", known="is topsecret99")
local = "only-in-a-variable"
try:
    raise ValueError("refused: password=geheim88")
except ValueError:
    log.exception("It failed.")
"""


def test_a_log_holds_no_secrets_and_no_values_of_variables() -> None:
    environment = os.environ | {"SLACK_BOT_TOKEN": "topsecret99"}
    folder = Path(__file__).parents[2]

    said = subprocess.run(
        [sys.executable, "-c", SPEAKING], env=environment, cwd=folder, capture_output=True, text=True, check=True
    ).stdout

    assert "Connecting." in said and "It failed." in said and "ValueError" in said
    assert said.count(MASK) == 3
    for secret in ("geheim77", "topsecret99", "geheim88", "only-in-a-variable'"):
        assert secret not in said
    assert "\x1b" not in said, "colours are for terminals"
