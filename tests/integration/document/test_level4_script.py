"""Level 4 hands the backup it has chosen to level 3's script, which takes no argument and fetches another one."""

import subprocess
from datetime import timedelta
from pathlib import Path

from drbot.core.site.site import Backups, Configuration, Site
from drbot.runners.actions import fetching
from drbot.runners.backups.choose_full import FullRules, choose_full_backup
from tests.archives import MOMENT, fetching_context, put, store_in

LEVEL_3 = """#!/bin/bash
aws s3 cp s3://your-backup-bucket/ai-micro-service/full_backup_latest.tar.gz {folder}/
"""
AWS = """#!/bin/bash
echo "$@" >> {folder}/fetched
"""


def test_the_documents_level_3_fetches_another_backup_than_level_4_has_chosen(tmp_path: Path) -> None:
    store = store_in(tmp_path / "store")
    chosen = put(store)
    put(store, MOMENT + timedelta(hours=1))
    for name, text in (("level3.sh", LEVEL_3), ("aws", AWS)):
        (tmp_path / name).write_text(text.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)

    subprocess.run(
        ["bash", "-c", '"$0"/level3.sh "$1"', str(tmp_path), chosen.name], env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=True,
    )  # fmt: skip

    assert chosen.name not in (tmp_path / "fetched").read_text()
    rules = FullRules(system="shop", site="production", server_major=15)
    ours = choose_full_backup((store,), rules, chosen.name).backup
    configuration = Configuration(
        system="shop", sites={"recovery": Site()}, default_site="recovery",
        backups=Backups(directory=tmp_path / "store"),
    )  # fmt: skip
    run = fetching_context(tmp_path, "r1", ours, Site(), configuration)
    fetching.fetch(run, {})
    manifest = fetching.fetched(run).manifest
    assert manifest is not None
    assert (manifest.name, ours.sha256) == (chosen.name, chosen.digest)
