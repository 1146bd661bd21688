"""What `continuous` in dr.yml asks for: the worker has WAL received, and anybody at a terminal opens the past."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from drbot.cli.receiving import forget
from drbot.core.base.errors import TemporaryError
from drbot.core.site.readiness import Colour, Line
from drbot.core.site.site import Continuous as Wanted
from drbot.core.site.site import Site
from drbot.core.site.wal import LATEST, Base
from drbot.runners.actions.site_target import SiteTarget
from drbot.runners.backups.moments import continuous_of
from drbot.runners.clients import helper
from drbot.runners.clients.continuous import Continuous, Following
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.contract.target import Search
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.following import Follower, following_lines, needed
from tests.integration.actions.conftest import WorkerFixture
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def site(shared: WorkerFixture) -> Site:
    """The lab's, that asks for it."""
    known = shared.configuration.site()
    assert known.postgres is not None
    return known.model_copy(update={"postgres": known.postgres.model_copy(update={"continuous": Wanted()})})


@pytest.fixture(scope="module")
def follower(shared: WorkerFixture, site: Site) -> Iterator[Follower]:
    """The worker's, that has looked once."""
    continuous = continuous_of(shared.clients, site, "production", never)
    made = Follower(continuous=continuous, wanted=Wanted())
    made.look()
    yield made
    forget(continuous)


def line(shared: WorkerFixture, site: Site) -> Line:
    (found,) = following_lines(shared.clients, site, "production", datetime.now(UTC))
    return found


def received(follower: Follower) -> bool:
    following = follower.continuous.following()
    return following is not None and following.behind == 0


def test_nothing_is_looked_at_where_nobody_asks_for_it(shared: WorkerFixture) -> None:
    site = shared.configuration.site()

    assert list(following_lines(shared.clients, site, "production", datetime.now(UTC))) == []


def test_the_first_look_begins_it_and_readiness_is_green(shared: WorkerFixture, site: Site, follower: Follower) -> None:
    wait_for(lambda: received(follower), PATIENCE, "everything to be received")

    assert follower.continuous.archive().bases[0].series == follower.continuous.series()
    found = line(shared, site)
    assert (found.what, found.colour) == ("production: WAL of PostgreSQL", Colour.GREEN), found.reason


def test_after_a_restart_of_the_server_it_is_received_again_in_the_same_series(follower: Follower) -> None:
    server = follower.continuous.postgres.container()
    assert server is not None
    before = follower.continuous.series(), follower.continuous.archive().bases
    follower.continuous.engine.client.api.restart(server.id, timeout=30)
    wait_for(lambda: follower.continuous.postgres.fault() is None, PATIENCE, "the server to answer")

    follower.look()

    wait_for(lambda: received(follower), PATIENCE, "everything to be received")
    assert (follower.continuous.series(), follower.continuous.archive().bases) == before
    assert follower.continuous.archive().series_at(None) == before[0]


def test_what_a_killed_worker_left_of_its_helpers_goes(follower: Follower) -> None:
    continuous = follower.continuous
    order = HelperOrder(
        image=continuous.postgres.recipe(never).image, name=None, labels=continuous.labels, entrypoint=("true",)
    )
    left = helper.create(continuous.engine, order)
    helper.start(continuous.engine, left)
    wait_for(lambda: continuous.engine.inspect(left)["State"]["Status"] == "exited", PATIENCE, "it to end")

    continuous.remove_left(datetime.now(UTC))
    assert continuous.engine.find(left) is not None  # somebody may still read what it said
    continuous.remove_left(datetime.now(UTC) + timedelta(minutes=5))

    assert continuous.engine.find(left) is None
    assert continuous.is_receiving()


def test_what_somebody_else_receives_by_its_slot_is_not_received_here(
    shared: WorkerFixture, site: Site, follower: Follower
) -> None:
    """Under the receiver's own name too: the server says that nothing is behind, and nothing comes into the volume."""
    continuous, seen = follower.continuous, list[datetime]()
    following = continuous.following()
    assert following is not None
    words = ("pg_receivewal", "--no-password", f"--slot={following.slot}", "--directory=/tmp", "--synchronous")
    order = continuous.postgres.beside(continuous.labels, never, words)
    continuous.engine.remove_helper(continuous.receiver)
    thief = helper.create(continuous.engine, replace(order, name=continuous.receiver, user="postgres"))
    helper.start(continuous.engine, thief)
    try:
        wait_for(lambda: received(follower), PATIENCE, "everything to be received elsewhere")
        replace(follower, seen=seen.append, may_act=lambda: False).look()
        found = line(shared, site)
    finally:
        follower.look()
    assert (seen, found.colour) == ([], Colour.RED), found.reason
    wait_for(lambda: received(follower), PATIENCE, "everything to be received here again")


def test_a_backup_is_planned_for_data_that_is_wrong_and_everything_received_for_a_server_that_is_lost(
    shared: WorkerFixture, site: Site, follower: Follower
) -> None:
    """Rows that somebody has deleted are deleted in what was received too; since when, people have to say."""
    continuous, target = follower.continuous, SiteTarget(site, shared.configuration, shared.clients)
    server = continuous.postgres.container()
    assert server is not None
    continuous.postgres.answer("CREATE TABLE public.gone AS SELECT 1 AS one; TRUNCATE public.gone")

    assert target.choose_backup(Search(site="production")).backup.name == shared.backup.name
    continuous.engine.client.api.kill(server.id)
    try:
        chosen = target.choose_backup(Search(site="production"))
    finally:
        continuous.engine.client.api.start(server.id)
        wait_for(lambda: continuous.postgres.fault() is None, PATIENCE, "the server to answer")

    assert (chosen.backup.name, chosen.backup.site, chosen.refused) == (LATEST, "production", ())
    follower.look()
    wait_for(lambda: received(follower), PATIENCE, "everything to be received")


def test_while_a_run_is_at_work_on_the_server_nothing_is_done(
    shared: WorkerFixture, site: Site, follower: Follower
) -> None:
    follower.continuous.engine.remove_helper(follower.continuous.receiver)

    replace(follower, may_act=lambda: False).look()

    assert not follower.continuous.is_receiving()
    wait_for(lambda: not received(follower), PATIENCE, "the server to notice")
    found = line(shared, site)
    assert (found.colour, "nobody receives it; the server keeps" in found.reason) == (Colour.RED, True), found.reason
    follower.look()
    wait_for(lambda: received(follower), PATIENCE, "everything to be received")


def test_a_server_does_not_fill_its_disk_for_a_receiver_that_is_away(follower: Follower) -> None:
    continuous, series = follower.continuous, follower.continuous.series()
    continuous.engine.remove_helper(continuous.receiver)
    continuous.postgres.answer("CREATE TABLE public.much AS SELECT repeat('x', 999) FROM generate_series(1, 9999)")

    def held() -> Following | None:
        found = continuous.following()
        return found if found is not None and found.behind is None and found.held > 1 << 20 else None

    wait_for(held, PATIENCE, "the server to keep some WAL")

    replace(follower, held_bytes=1 << 20).look()

    newer = continuous.series()
    assert newer is not None and series is not None and newer > series
    assert [one.series for one in continuous.archive().bases[:2]] == [continuous.series(), series]
    wait_for(lambda: received(follower), PATIENCE, "everything to be received")


def test_another_cluster_begins_a_series_and_what_comes_back_goes_on_in_its_own(
    shared: WorkerFixture, follower: Follower
) -> None:
    """As after a recovery from a dump, and its undo."""
    continuous, first = follower.continuous, follower.continuous.series()
    written = continuous.postgres.answer("CREATE TABLE public.kept AS SELECT 7 AS seven; SELECT seven FROM public.kept")
    with put_aside(shared, continuous):
        wait_for(lambda: answers(continuous), PATIENCE, "the new server to answer")

        follower.look()

        second = continuous.series()
        assert first is not None and second is not None and second > first
        assert continuous.archive().bases[0].series == second
    wait_for(lambda: answers(continuous), PATIENCE, "the old server to answer")

    follower.look()

    wait_for(lambda: received(follower), PATIENCE, "everything to be received")
    assert (continuous.series(), continuous.archive().series_at(None)) == (first, first)
    assert continuous.archive().bases[0].series == first
    assert continuous.postgres.answer("SELECT seven FROM public.kept") == written


def answers(continuous: Continuous) -> bool:
    try:
        return continuous.postgres.answer("SELECT 1") == "1"
    except TemporaryError:
        return False


@contextmanager
def put_aside(shared: WorkerFixture, continuous: Continuous) -> Iterator[None]:
    """The data of the server, which makes a new cluster meanwhile."""
    engine, server, aside = continuous.engine, continuous.postgres.container(), f"{shared.volume}_aside"
    assert server is not None
    engine.create_volume(aside, {})
    for source, target, rest in ((shared.volume, aside, True), (aside, shared.volume, False)):
        engine.client.api.stop(server.id, timeout=30)
        order = HelperOrder(
            image=continuous.postgres.recipe(never).image, name=None, labels={}, user="root",
            entrypoint=("sh", "-ec", "rm -rf /to/*; cp -a /from/. /to/; rm -rf /from/*"),
            mounts=(Mount(source=source, target="/from"), Mount(source=target, target="/to")),
        )  # fmt: skip
        assert helper.run(engine, order, never).code == 0
        engine.client.api.start(server.id)
        if rest:
            yield
    engine.client.api.remove_volume(aside)


def base(days: float) -> Base:
    """One that was done so long ago."""
    return Base(
        series="s", name=f"base_{days}", ended_at=NOW - timedelta(days=days), first_segment="0" * 24,
        segment_bytes=16 << 20,
    )  # fmt: skip


def test_bases_stay_as_long_as_a_moment_that_is_kept_needs_them() -> None:
    bases = (base(0.5), base(1.5), base(2.5), base(3.5))

    assert needed(bases, NOW - timedelta(days=2)) == bases[2]
    assert needed(bases[:2], NOW - timedelta(days=2)) == bases[1]


def test_anybody_at_a_terminal_opens_the_past_and_ctrl_c_removes_it(
    shared: WorkerFixture, site: Site, follower: Follower, tmp_path: Path
) -> None:
    continuous = follower.continuous
    continuous.postgres.answer("CREATE TABLE public.orders AS SELECT 41 AS number")
    wait_for(
        lambda: datetime.now(UTC) > continuous.archive().bases[0].ended_at,
        PATIENCE,
        "the base backup to be of the past",
    )
    moment = datetime.fromisoformat(continuous.postgres.answer("SELECT to_json(clock_timestamp()) #>> '{}'"))
    continuous.postgres.answer("UPDATE public.orders SET number = 42")
    file, before = with_continuous(shared, tmp_path), continuous.engine.labelled(continuous.labels)
    command = [sys.executable, "-m", "drbot.cli.main", "copy", "--config", str(file), "--to", moment.isoformat()]
    wait_for(lambda: received(follower), PATIENCE, "everything to be received")
    killed, first = opened(command, tmp_path)
    killed.kill()
    killed.wait()
    copy, name = opened(command, tmp_path)

    def asked(statement: str) -> tuple[int, str]:
        ended = continuous.engine.execute(name, ["psql", "-XAtU", "postgres", "-c", statement], seconds=20)
        return ended.code, ended.output.strip()

    try:
        assert asked("SELECT number FROM public.orders") == (0, "41")
        code, refused = asked("DELETE FROM public.orders")
        assert (code, "read-only transaction" in refused) == (1, True), refused
    finally:
        copy.send_signal(signal.SIGINT)
        ended = copy.wait(PATIENCE)
    assert ended == 0
    assert continuous.engine.find(first) is None  # the next one has removed what was left of it
    left = set(continuous.engine.labelled(continuous.labels)) - set(before)
    assert left == set()


def opened(command: list[str], home: Path) -> tuple[subprocess.Popen[str], str]:
    """Once it can be looked at, and the name of its container."""
    environment = {**os.environ, "DRBOT_HOME": str(home)}
    copy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert copy.stdout is not None
    (said,) = itertools.islice((line.split() for line in copy.stdout if " psql " in line), 1)
    return copy, said[said.index("-it") + 1]


def with_continuous(shared: WorkerFixture, folder: Path) -> Path:
    """The lab's dr.yml, that asks for it."""
    yaml = YAML(typ="safe")
    document = yaml.load(shared.lab.configuration)
    document["sites"]["production"]["postgres"]["continuous"] = {}
    with (folder / "dr.yml").open("w") as output:
        yaml.dump(document, output)
    return folder / "dr.yml"
