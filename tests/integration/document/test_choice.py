"""Which backup: the document takes what a pattern finds, after it has deleted; drbot chooses first, and by content."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from core.errors import UserError
from core.plan import BackupIdentity
from runners.action import StepContext
from runners.actions import fetching
from runners.actions.backup import BackupRules, choose
from runners.clients.backup_store import BackupStore
from tests.archives import fetching_context
from tests.integration.document.servers import Docker

pytestmark = [pytest.mark.docker, pytest.mark.long]


def test_without_any_backup_the_volume_is_gone_before_anybody_notices(docker: Docker, tmp_path: Path) -> None:
    with docker.volume("data") as volume:
        script = f"""
            LATEST_BACKUP=$(ls -t {tmp_path}/all_databases_*.sql.gz | head -1)
            docker volume rm {volume}
            docker volume create --label drbot.lab=none {volume}
            gunzip -c "$LATEST_BACKUP" | cat
            echo "===== PostgreSQL Disaster Recovery Completed ====="
        """
        before = docker.do("volume", "inspect", "-f", "{{.Labels}}", volume)

        done = docker.shell(script)

        assert done.returncode == 0
        assert "Completed" in done.stdout
        assert docker.do("volume", "inspect", "-f", "{{.Labels}}", volume) != before
    with docker.volume("data") as volume:
        rules = BackupRules(
            system="ai-micro-service", site="production", server_major=15,
            cancelled=lambda: False, progress=lambda done, total, unit: None,
        )  # fmt: skip
        with pytest.raises(UserError, match="There is none"):
            choose(BackupStore(tmp_path), rules)
        assert docker.do("volume", "inspect", "-f", "{{.Labels}}", volume) == before


def test_leftovers_of_an_earlier_recovery_are_restored_as_well(docker: Docker, tmp_path: Path) -> None:
    for folder, text in (("full_backup_20261101_020000", b"of today\n"), ("an-earlier-recovery", b"of last year\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"all_databases_{folder[-6:]}.sql.gz").write_bytes(gzip.compress(text))

    done = docker.shell(f"gunzip -c {tmp_path}/*/all_databases_*.sql.gz")

    assert done.returncode == 0
    assert "of today" in done.stdout
    assert "of last year" in done.stdout
    found = fetching.unpacked(context(tmp_path, "r1")).dump
    assert gzip.decompress(found.read_bytes()) == b"of this run\n"


def context(home: Path, run: str) -> StepContext:
    """A run that has downloaded its own backup, beside an earlier run that had left another one."""
    backup = BackupIdentity(
        place="s3://bucket/full_backup_20261101_020000.tar.gz", name="full_backup_20261101_020000.tar.gz", size=1,
        sha256="5" * 64, snapshot_at=datetime(2026, 11, 1, 2, tzinfo=UTC), manifest=False,
    )  # fmt: skip
    for number, text in ((run, b"of this run\n"), ("r0", b"of another run\n")):
        inside = home / "recoveries" / "recovery" / number / fetching.UNPACKED
        inside.mkdir(parents=True)
        (inside / "all_databases_20261101_020000.sql.gz").write_bytes(gzip.compress(text))
        complete = {"name": backup.name, "sha256": backup.sha256}
        (inside.parent / fetching.COMPLETE).write_text(json.dumps(complete))
    return fetching_context(home, run, backup, cast(Any, None), cast(Any, None))
