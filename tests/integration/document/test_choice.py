"""Which backup: the document takes what a pattern finds, after it has deleted; drbot chooses first, and by content."""

import gzip
from pathlib import Path

import pytest

from drbot.core.base.errors import UserError
from drbot.core.site.full_manifest import DUMP
from drbot.core.site.site import Backups, Configuration, Site
from drbot.runners.actions import fetching
from drbot.runners.backups.choose_dump import BackupRules, choose
from drbot.runners.backups.choose_full import FullRules, choose_full_backup
from drbot.runners.clients.backup_store import BackupStore
from tests.archives import SQL, fetching_context, put, store_in
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
    assert dump_of_this_run(tmp_path / "home") == SQL + b"-- of this run\n"


def dump_of_this_run(home: Path) -> bytes:
    """What drbot takes that has fetched its own backup, after an earlier run that had fetched another one."""
    sites = {"recovery": Site()}
    for number, said in (("r0", b"-- of another run\n"), ("r1", b"-- of this run\n")):
        store = store_in(home / number)
        put(store, sql=SQL + said)
        sealed = choose_full_backup((store,), FullRules(system="shop", site="production")).backup
        configuration = Configuration(
            system="shop", sites=sites, default_site="recovery", backups=Backups(directory=home / number)
        )
        run = fetching_context(home, number, sealed, Site(), configuration)
        fetching.fetch(run, {})
    return b"".join(fetching.fetched(run).part(DUMP))
