"""Level 3 with as much as a night may bring: everything that files can be, and gigabytes from the document's scripts.

`DRBOT_GIGABYTES` sets how large the dump of the scripts is.
"""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drbot.cli import demo_sites
from drbot.cli.demo_player import DemoPlayer
from drbot.core.runs.run import Run, RunState, StepState
from drbot.lab.breakage import break_it
from drbot.lab.layout import part
from drbot.lab.object_store import BUCKET, PREFIX
from drbot.lab.seed import seed
from drbot.lab.sites import Sites
from tests.labs import LabFactory
from tests.story import new_host
from tests.story.demo_stacks import sites_of
from tests.story.new_host import WORDS, contents
from tests.story.recovering import wait_for_step
from tests.torture import picture, plant

pytest.importorskip("moto")
pytestmark = [pytest.mark.docker, pytest.mark.long, pytest.mark.timeout(7200)]

GIGABYTES = int(os.environ.get("DRBOT_GIGABYTES", "10"))
HOURS = 7200.0
SCRIPT = """
set -euo pipefail
cd "$WORK" && mkdir backup && cd backup
docker exec "$POSTGRES" pg_dumpall -U postgres | gzip > "all_databases_$STAMP.sql.gz"
docker exec "$REDIS" redis-cli save > /dev/null
docker cp "$REDIS:/data/dump.rdb" - | tar -xO | gzip > "redis_$STAMP.rdb.gz"
tar -czf "config_$STAMP.tar.gz" -C "$PROJECTS" $(cd "$PROJECTS" && find . -name .env -printf '%P ')
tar -czf "files_backup_$STAMP.tar.gz" -C "$VOLUMES" --transform "s,^_data,$FILES," _data
cd .. && tar -czf "full_backup_$STAMP.tar.gz" --remove-files ./backup
"""
"""As the document's backups are laid out, with the tools it names."""


@pytest.fixture
def sites(lab_factory: LabFactory) -> Iterator[Sites]:
    with sites_of(lab_factory, "big") as made:
        yield made


@pytest.fixture
def player(sites: Sites, tmp_path: Path) -> Iterator[DemoPlayer]:
    with new_host.playing(sites, tmp_path / "home") as made:
        made.stack.start("drbot", "all")
        made.stack.people.wait_for_connection()
        yield made


def recover(player: DemoPlayer, words: str) -> Run:
    """Level 3 with nobody to ask."""
    incident = player.declare("aiko", words)
    wait_for_step(player, incident, "confirm", StepState.WAITING, seconds=HOURS)
    player.press("aiko", incident, f"answer {incident.name} confirm yes")
    return player.wait_for_run(incident, RunState.SUCCEEDED)


def files_of(sites: Sites, host: str) -> Path:
    """Where the volume with the files lies."""
    lab = sites.lab if host == "old" else sites.recovered
    with lab.client() as client:
        return Path(client.volumes.get(f"{lab.prefix}{part('admin').volume}").attrs["Mountpoint"])


def test_everything_that_files_can_be_comes_back_as_it_was(sites: Sites, player: DemoPlayer) -> None:
    plant(files_of(sites, "old"), many=100_000, sparse=3 << 30)
    before = picture(files_of(sites, "old"))
    started = time.monotonic()
    demo_sites.back_up_full(sites, player.stack.configuration)
    made = time.monotonic()
    break_it(sites.lab, "host-lost")

    run = recover(player, WORDS)

    took = time.monotonic() - made
    print(f"{len(before):,} entries: backed up in {made - started:.0f} s, brought up in {took:.0f} s")
    after = picture(files_of(sites, "new"))
    assert {name: (was, after.get(name)) for name, was in before.items() if after.get(name) != was} == {}
    assert set(after) == set(before)
    assert run.plan is not None
    assert (files_of(sites, "new") / "sparse").stat().st_blocks * 512 < 1 << 20  # still mostly holes


def test_gigabytes_from_the_documents_scripts_come_back(sites: Sites, player: DemoPlayer, tmp_path: Path) -> None:
    rows = seed(sites.lab, GIGABYTES * 1000)
    seen = contents(sites.lab)
    archive = backed_up_by_the_scripts(sites, tmp_path)
    sites.bucket.client().upload_file(str(archive), BUCKET, PREFIX + archive.name)
    packed = archive.stat().st_size
    archive.unlink()
    break_it(sites.lab, "host-lost")

    with most_memory(player) as most:
        started = time.monotonic()
        run = recover(player, WORDS)

    print(f"{packed / 1e9:.1f} GB packed, {GIGABYTES} GB of SQL, {rows:,} documents:")
    took = time.monotonic() - started
    print(f"brought up in {took:.0f} s, at most {most()} MB of memory in drbot and what it starts")
    assert run.plan is not None and run.plan.backup is not None and run.plan.backup.name == archive.name
    assert contents(sites.recovered) == seen
    for record in player.records(run.id).values():
        if record.started_at and record.finished_at:
            print(f"  {record.id}: {(record.finished_at - record.started_at).total_seconds():.0f} s")


def backed_up_by_the_scripts(sites: Sites, folder: Path) -> Path:
    """The archive."""
    lab, stamp = sites.lab, time.strftime("%Y%m%d_%H%M%S", time.gmtime())
    with lab.client() as client:
        found = {name: lab.container(client, part(name)) for name in ("postgres", "redis")}
    volume = files_of(sites, "old")
    environment = {
        "DOCKER_HOST": lab.host, "WORK": str(folder), "STAMP": stamp, "PROJECTS": str(lab.projects),
        "VOLUMES": str(volume.parent), "FILES": volume.parent.name,
        "POSTGRES": str(found["postgres"].id), "REDIS": str(found["redis"].id),  # type: ignore[union-attr]
    }  # fmt: skip
    subprocess.run(["bash", "-c", SCRIPT], env={**os.environ, **environment}, check=True)
    return folder / f"full_backup_{stamp}.tar.gz"


@contextmanager
def most_memory(player: DemoPlayer) -> Iterator["Most"]:
    """The most memory that drbot's process and its children had at the same time, in megabytes."""
    most = Most(player.stack.processes["drbot"].pid)
    most.start()
    yield most
    most.ended.set()
    most.join()


class Most(threading.Thread):
    """Looks every second."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.megabytes, self.ended = process, 0, threading.Event()

    def __call__(self) -> int:
        return self.megabytes

    def run(self) -> None:
        while not self.ended.wait(1):
            said = subprocess.run(
                ["ps", "-o", "rss=", "--sid", str(self.process)], capture_output=True, text=True, check=False
            ).stdout
            self.megabytes = max(self.megabytes, sum(map(int, said.split())) // 1024)
