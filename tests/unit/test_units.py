"""The units of docs/running: two users, two files of secrets, one engine, and what systemd itself says of them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.test_documents import DOCS, text_of

UNITS = {"bot": DOCS / "running" / "drbot-bot.service", "worker": DOCS / "running" / "drbot-worker@.service"}
MOST = 4.0  # of 10: what systemd calls exposure


def values_of(unit: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", text_of(UNITS[unit]), re.MULTILINE)


def test_each_is_a_user_of_its_own_and_reads_one_file_of_secrets() -> None:
    assert [values_of(unit, "User") for unit in UNITS] == [["drbot-bot"], ["drbot-worker"]]
    assert [values_of(unit, "EnvironmentFile") for unit in UNITS] == [["/etc/drbot/bot.env"], ["/etc/drbot/worker.env"]]


def test_only_the_worker_sees_an_engine() -> None:
    assert values_of("worker", "SupplementaryGroups") == ["docker"]
    assert values_of("bot", "SupplementaryGroups") == []
    assert "/run/docker.sock" in values_of("bot", "InaccessiblePaths")[0]


@pytest.mark.parametrize("unit", sorted(UNITS))
def test_systemd_calls_it_little_exposed(unit: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here")
    copy = tmp_path / UNITS[unit].name.replace("@", "@production")
    copy.write_text(text_of(UNITS[unit]))

    said = subprocess.run(
        [program, "security", "--offline=true", "--no-pager", copy], capture_output=True, text=True, timeout=60
    )

    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said.stdout)
    assert found, said.stdout + said.stderr
    assert float(found[1]) <= MOST
