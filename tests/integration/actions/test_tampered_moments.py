"""Volumes that look like drbot's own, base backups that somebody changed, and a server that a copy would not bring back
whole: nothing is touched, nothing is green, and "now" is now.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.readiness import Colour, Line
from drbot.core.site.site import Continuous as Wanted
from drbot.runners.backups.moments import continuous_of
from drbot.runners.clients.continuous import BASES, LABEL, WAL, Continuous
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.following import Follower, following_lines
from tests.integration.actions.conftest import WorkerFixture
from tests.integration.actions.test_moments import WITNESS, as_it_was, behind, clock, in_volume, witnesses, write
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

SPACE = "/var/lib/postgresql/elsewhere"
LEFT = """
recovery_target_time = '2020-01-01 00:00:00+00'
recovery_min_apply_delay = '1h'
recovery_target_action = 'shutdown'
restore_command = 'false'
"""


@pytest.fixture(scope="module")
def continuous(shared: WorkerFixture) -> Continuous:
    """Of the lab's server, as the worker has it."""
    shared.clients.postgres.answer(WITNESS.replace("TABLE", "TABLE IF NOT EXISTS", 1))
    return continuous_of(shared.clients, shared.configuration.site(), "production", never)


@pytest.fixture
def followed(continuous: Continuous) -> Iterator[Continuous]:
    """Received from, with a base backup."""
    Follower(continuous=continuous, wanted=Wanted()).look()
    wait_for(lambda: behind(continuous) == 0, PATIENCE, "everything to be received")
    yield continuous
    continuous.stop()
    remove(continuous)


def remove(continuous: Continuous) -> None:
    for place in (continuous.wal, continuous.bases_place):
        if continuous.engine.volume(place) is not None:
            continuous.engine.client.api.remove_volume(place)


def line(shared: WorkerFixture, wanted: Wanted, later: timedelta = timedelta()) -> Line:
    known = shared.configuration.site()
    assert known.postgres is not None
    site = known.model_copy(update={"postgres": known.postgres.model_copy(update={"continuous": wanted})})
    (found,) = following_lines(shared.clients, site, "production", datetime.now(UTC) + later)
    return found


@pytest.mark.parametrize(
    "labels",
    [{}, {LABEL: "elsewhere"}, {LABEL: "production", "com.docker.compose.project": "db"}],
    ids=["nobody's", "another site's", "a project's that says it is drbot's"],
)
def test_a_volume_of_somebody_else_that_has_the_name_is_neither_written_to_nor_emptied(
    continuous: Continuous, labels: dict[str, str]
) -> None:
    """`pgdata` and `pgdata_wal` are what many call the two volumes of one server."""
    continuous.engine.client.api.create_volume(continuous.wal, labels=labels)
    in_volume(continuous, continuous.wal, WAL, f"chown postgres: {WAL}; mkdir {WAL}/archive_status; touch {WAL}/1")

    try:
        with pytest.raises(PermanentError, match=f"{continuous.wal} is nothing that drbot has made"):
            Follower(continuous=continuous, wanted=Wanted()).look()
        in_volume(continuous, continuous.wal, WAL, f'[ "$(echo {WAL}/*)" = "{WAL}/1 {WAL}/archive_status" ]')
    finally:
        remove(continuous)


def test_now_is_now_whatever_a_recovery_by_hand_has_left_in_the_settings(followed: Continuous) -> None:
    with settings_left(followed, LEFT):
        followed.take_base(datetime.now(UTC) + timedelta(seconds=1))
    wait_for(
        lambda: datetime.now(UTC) > followed.archive().bases[0].ended_at, PATIENCE, "the base backup to be of the past"
    )
    before = write(followed, 2)[-1]
    moment = clock(followed)
    confirmed = write(followed, 2)[-1]
    wait_for(lambda: behind(followed) == 0, PATIENCE, "everything to be received")

    for wanted, last in ((None, confirmed), (moment, before)):
        with as_it_was(followed, wanted) as (scratch, reached):
            assert witnesses(scratch, reached)[-1] == last
            assert reached.last_commit is not None


@contextmanager
def settings_left(continuous: Continuous, lines: str) -> Iterator[None]:
    """In the data of the running server, which reads them when it is started again."""
    data, file = continuous.postgres.settings.volume, "/data/postgresql.auto.conf"
    in_volume(continuous, data, "/data", f"cp -a {file} /data/aside; cat >> {file} <<'END'{lines}END")
    try:
        yield
    finally:
        in_volume(continuous, data, "/data", f"mv /data/aside {file}")


def test_a_tablespace_that_is_made_later_is_red_and_no_base_backup_pretends_to_hold_it(
    shared: WorkerFixture, followed: Continuous
) -> None:
    assert line(shared, Wanted()).colour is Colour.GREEN
    with tablespace(followed):
        found, why = line(shared, Wanted()), "it has tablespaces outside of its data folder"
        assert (found.colour, found.reason) == (Colour.RED, why)
        with pytest.raises(PermanentError, match=why):
            followed.take_base(datetime.now(UTC) + timedelta(seconds=1))


@contextmanager
def tablespace(continuous: Continuous) -> Iterator[None]:
    """In a folder of the server's container."""
    server, answer = continuous.postgres.container(), continuous.postgres.answer
    assert server is not None
    make = ["sh", "-c", f"mkdir -p {SPACE} && chown postgres: {SPACE}"]
    assert continuous.engine.execute(server.id, make, seconds=10).code == 0
    answer(f"CREATE TABLESPACE elsewhere LOCATION '{SPACE}'")
    try:
        answer("CREATE TABLE public.far (id int) TABLESPACE elsewhere")
        yield
    finally:
        answer("DROP TABLE IF EXISTS public.far")
        answer("DROP TABLESPACE elsewhere")


def test_no_name_in_the_volume_of_base_backups_is_a_word_of_a_command(followed: Continuous) -> None:
    known = followed.archive().bases
    newest = known[0]
    planted = (
        f"cp -a {newest.series} 'x;id'",
        f"cp -a {newest.series} '99990101_000000;id'",
        f"cp -a {newest.series}/{newest.name} {newest.series}/base_zz",
        f"cp -a {newest.series}/{newest.name} {newest.series}/base_20990101_000000",
        f"sed -i 's/(file [0-9A-F]*)/(file F)/' {newest.series}/base_20990101_000000/backup_label",
    )
    in_volume(followed, followed.bases_place, BASES, f"cd {BASES}; {'; '.join(planted)}")

    assert followed.archive().bases == known


def test_a_base_backup_that_is_overdue_is_told_and_how_far_back_counts_what_can_be_reached(
    shared: WorkerFixture, followed: Continuous
) -> None:
    first = followed.archive().bases[0]
    manifest = f"{BASES}/{first.series}/{first.name}/backup_manifest"
    in_volume(followed, followed.bases_place, BASES, f"touch -d '18 hours ago' {manifest}")
    followed.postgres.answer("SELECT pg_switch_wal()")
    write(followed, 1)
    followed.take_base(datetime.now(UTC) + timedelta(seconds=1))
    wait_for(lambda: behind(followed) == 0, PATIENCE, "everything to be received")
    hours = timedelta(hours=30)

    assert line(shared, Wanted(), hours).reason == "received; base backup of 1 d 6 h ago, back to 2 d 0 h ago"
    in_volume(followed, followed.wal, WAL, f"rm {WAL}/{first.series}/{first.first_segment}")
    found = line(shared, Wanted(), hours)
    assert (found.colour, found.reason) == (Colour.GREEN, "received; base backup of 1 d 6 h ago, back to 1 d 6 h ago")
    assert line(shared, Wanted(base_every=3600.0), hours).colour is Colour.AMBER
