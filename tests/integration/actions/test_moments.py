"""A server that knows nothing of drbot is followed as it is, and comes back as it was at any second."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.cli.receiving import forget
from drbot.core.base.errors import BackupError, PermanentError, TemporaryError
from drbot.core.runs.plan import Floor
from drbot.runners.backups import restore_moment
from drbot.runners.backups.choose_moment import Past
from drbot.runners.backups.moments import Reached, goal_of, recovered_to
from drbot.runners.backups.own_checks import AskedOfCopy
from drbot.runners.clients import helper
from drbot.runners.clients.continuous import BASES, WAL, Continuous
from drbot.runners.clients.helper import HelperOrder, Mount
from drbot.runners.clients.scratch_postgres import Scratch, ask
from drbot.runners.foundation.watching import never
from tests.integration.actions.conftest import WorkerFixture
from tests.waiting import PATIENCE, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

WITNESS = "CREATE TABLE public.witness (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp())"


@pytest.fixture(scope="module")
def followed(shared: WorkerFixture) -> Iterator[Continuous]:
    """The lab's server, received from, with a base backup."""
    clients = shared.clients
    continuous = Continuous(clients.docker, clients.postgres, "production", never)
    clients.postgres.answer(f"DROP TABLE IF EXISTS public.witness; {WITNESS}")  # of another file's tests
    assert continuous.refusal() is None
    continuous.start()
    continuous.take_base(datetime.now(UTC))
    yield continuous
    forget(continuous)


@contextmanager
def as_it_was(
    continuous: Continuous, moment: datetime | None, seen_at: datetime | None = None
) -> Iterator[tuple[Scratch, Reached]]:
    """The past, in a volume that goes again."""
    with scratch_of(continuous) as scratch:
        goal = goal_of(continuous.archive(), moment, datetime.now(UTC), seen_at)
        with recovered_to(continuous, scratch, goal) as reached:
            yield scratch, reached


@contextmanager
def scratch_of(continuous: Continuous) -> Iterator[Scratch]:
    """An empty volume, which goes again."""
    recipe = continuous.postgres.recipe(never)
    with helper.throw_away_volume(continuous.engine, recipe.image, {}) as volume:
        yield Scratch(
            engine=continuous.engine, recipe=recipe, user=continuous.postgres.settings.user, volume=volume,
            name=f"drbot-moment-{os.getpid()}", labels={}, cancelled=never,
        )  # fmt: skip


def write(continuous: Continuous, times: int) -> list[str]:
    """So many commits; the ids that the server has confirmed."""
    return [continuous.postgres.answer("INSERT INTO public.witness DEFAULT VALUES RETURNING id") for _ in range(times)]


def witnesses(scratch: Scratch, reached: Reached) -> list[str]:
    return ask(scratch, reached.container, "SELECT id FROM public.witness ORDER BY id").split()


def clock(continuous: Continuous) -> datetime:
    """Of the server."""
    return datetime.fromtimestamp(
        float(continuous.postgres.answer("SELECT extract(epoch FROM clock_timestamp())")), UTC
    )


def in_volume(continuous: Continuous, place: str, inside: str, script: str) -> None:
    image = continuous.postgres.recipe(never).image
    order = HelperOrder(
        image=image, name=None, labels={}, entrypoint=("sh", "-ec", script), user="root",
        mounts=(Mount(source=place, target=inside),),
    )  # fmt: skip
    ended = helper.run(continuous.engine, order, never)
    assert ended.code == 0, ended.output


def test_the_second_before_a_delete_comes_back_and_production_keeps_what_came_later(followed: Continuous) -> None:
    before = write(followed, 3)
    moment = clock(followed)
    followed.postgres.answer("DELETE FROM public.witness")
    later = write(followed, 2)

    with as_it_was(followed, moment) as (scratch, reached):
        assert witnesses(scratch, reached)[-3:] == before
        assert reached.last_commit is not None and reached.last_commit <= moment

    assert followed.postgres.answer("SELECT string_agg(id::text, ' ' ORDER BY id) FROM public.witness").split() == later


def test_a_server_that_was_killed_has_lost_no_commit_that_it_confirmed(followed: Continuous) -> None:
    server = followed.postgres.container()
    assert server is not None
    confirmed = write(followed, 20)[-1]
    followed.engine.client.api.kill(server.id)

    try:
        with as_it_was(followed, None) as (scratch, reached):
            assert witnesses(scratch, reached)[-1] == confirmed
    finally:
        followed.engine.client.api.start(server.id)
        wait_for(lambda: followed.postgres.fault() is None, PATIENCE, "the server to answer")
        followed.start()
    wait_for(lambda: behind(followed) == 0, PATIENCE, "the receiver to be back")


def behind(continuous: Continuous) -> int | None:
    following = continuous.following()
    assert following is not None
    return following.behind


def test_a_receiver_that_was_killed_while_it_made_room_for_a_segment_goes_on(followed: Continuous) -> None:
    series = followed.series()
    write(followed, 1)
    wait_for(lambda: behind(followed) == 0, PATIENCE, "everything to be received")
    followed.engine.remove_helper(followed.receiver)
    newest = f"$(ls -d {WAL}/{series}/*.partial | tail -n 1)"
    in_volume(followed, followed.wal, WAL, f"one={newest}; head -c 4145152 /dev/zero > $one; chown postgres: $one")

    followed.start()

    wait_for(lambda: behind(followed) == 0, PATIENCE, "everything to be received")
    confirmed = write(followed, 1)[-1]
    with as_it_was(followed, None) as (scratch, reached):
        assert witnesses(scratch, reached)[-1] == confirmed


def test_what_is_not_possible_is_said_with_what_is(followed: Continuous) -> None:
    oldest = followed.archive().bases[-1].ended_at
    for moment, said in (
        (datetime.now(UTC) + timedelta(hours=1), "is in the future"),
        (oldest - timedelta(seconds=1), f"the next moment to go back to is {oldest:%Y-%m-%d %H:%M:%S} UTC"),
    ):
        with pytest.raises(PermanentError, match=said), as_it_was(followed, moment):
            pass


def test_a_moment_that_was_not_received_is_refused(followed: Continuous) -> None:
    write(followed, 1)
    followed.engine.remove_helper(followed.receiver)
    ended = datetime.now(UTC) + timedelta(seconds=2)  # of a file that is written the second alone is known
    wait_for(lambda: datetime.now(UTC) > ended, PATIENCE, "the second to be over")
    write(followed, 1)

    try:
        ends = pytest.raises(PermanentError, match=r"What was received ends before .* UTC: at .* UTC")
        with ends, as_it_was(followed, datetime.now(UTC)):
            pass
    finally:
        followed.start()
    wait_for(lambda: behind(followed) == 0, PATIENCE, "everything to be received")


def test_a_moment_after_which_nothing_was_committed_is_the_end(followed: Continuous) -> None:
    confirmed = write(followed, 1)[-1]
    wait_for(lambda: behind(followed) == 0, PATIENCE, "everything to be received")
    now = datetime.now(UTC)

    def newest() -> str:
        with as_it_was(followed, now, seen_at=now) as (scratch, reached):
            return witnesses(scratch, reached)[-1]

    try:
        found = newest()
    except TemporaryError:  # the server's own autovacuum has committed meanwhile: once more, and it ends there
        found = newest()
    assert found == confirmed


def test_without_a_later_commit_the_end_is_no_moment_that_nobody_has_seen_received(followed: Continuous) -> None:
    write(followed, 1)
    wait_for(lambda: behind(followed) == 0, PATIENCE, "everything to be received")
    moment = datetime.now(UTC)
    wait_for(lambda: datetime.now(UTC) > moment + timedelta(seconds=1), PATIENCE, "the second to be over")
    followed.postgres.answer("SELECT pg_switch_wal()")
    wait_for(lambda: written_after(followed, moment), PATIENCE, "something to be received that is no commit")

    ends = pytest.raises(PermanentError, match=r"What was received ends before .* UTC")
    with ends, as_it_was(followed, moment):
        pass


def written_after(continuous: Continuous, moment: datetime) -> bool:
    archive = continuous.archive()
    written_at = archive.series[archive.bases[0].series].written_at
    return written_at is not None and written_at > moment


def test_a_moment_without_what_must_be_there_is_refused(followed: Continuous, tmp_path: Path) -> None:
    past = Past(continuous=followed, archive=followed.archive, home=tmp_path, system="shop", site="production")
    backup = past.identity(None).model_copy(update={"floor": Floor(named=("elsewhere",))})

    refused = pytest.raises(BackupError, match=r"no database of dr\.yml holds a row: elsewhere")
    with refused, scratch_of(followed) as scratch:
        restore_moment.load(followed, scratch, past.sealed(backup), backup, AskedOfCopy())


def test_a_segment_that_is_missing_is_named(followed: Continuous) -> None:
    write(followed, 1)
    followed.postgres.answer("SELECT pg_switch_wal()")
    write(followed, 1)
    wait_for(lambda: behind(followed) == 0, PATIENCE, "everything to be received")
    gone = followed.archive().bases[0].first_segment
    folder = f"{WAL}/{followed.archive().bases[0].series}"
    in_volume(followed, followed.wal, WAL, f"mv {folder}/{gone} {WAL}/hidden")

    try:
        with pytest.raises(PermanentError, match=f"The WAL segment {gone} is missing"), as_it_was(followed, None):
            pass
    finally:
        in_volume(followed, followed.wal, WAL, f"mv {WAL}/hidden {folder}/{gone}")


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("base/1/1259", "printf X | dd of={} bs=1 seek=100 conv=notrunc status=none"),
        # `pg_verifybackup` leaves this file out, and what it says the server does, in production too.
        ("postgresql.auto.conf", "echo \"archive_command = 'x'\" >> {}"),
    ],
)
def test_a_file_of_a_base_backup_that_somebody_has_changed_is_refused(
    followed: Continuous, name: str, spoil: str
) -> None:
    newest = followed.archive().bases[0]
    file, whole = f"{BASES}/{newest.series}/{newest.name}/{name}", f"{BASES}/whole"
    in_volume(followed, followed.bases_place, BASES, f"cp -a {file} {whole}; {spoil.format(file)}")

    try:
        with pytest.raises(PermanentError, match=f"is no use: .*{name}"), as_it_was(followed, None):
            pass
    finally:
        in_volume(followed, followed.bases_place, BASES, f"mv {whole} {file}")


def test_no_file_of_a_base_backup_can_be_another_under_the_same_digest(followed: Continuous) -> None:
    newest = followed.archive().bases[0]
    manifest = f"{BASES}/{newest.series}/{newest.name}/backup_manifest"

    in_volume(followed, followed.bases_place, BASES, f"grep -q SHA256 {manifest}; ! grep -q CRC32C {manifest}")


def test_no_link_in_a_base_backup_leads_to_settings_elsewhere(followed: Continuous) -> None:
    newest = followed.archive().bases[0]
    file, whole = f"{BASES}/{newest.series}/{newest.name}/postgresql.auto.conf", f"{BASES}/whole"
    in_volume(followed, followed.wal, WAL, f"echo \"application_name = 'x'\" > {WAL}/planted")
    in_volume(followed, followed.bases_place, BASES, f"mv {file} {whole}; ln -s {WAL}/planted {file}")

    try:
        with pytest.raises(PermanentError, match=r"is no use: .*postgresql\.auto\.conf"), as_it_was(followed, None):
            pass
    finally:
        in_volume(followed, followed.bases_place, BASES, f"mv {whole} {file}")
        in_volume(followed, followed.wal, WAL, f"rm {WAL}/planted")


def test_a_base_backup_that_is_replaced_after_it_was_listed_is_refused(followed: Continuous) -> None:
    goal = goal_of(followed.archive(), None, datetime.now(UTC), None)
    planned = replace(goal, base=replace(goal.base, digest="0" * 64))

    refused = pytest.raises(PermanentError, match=r"is no use: .*backup_manifest")
    with scratch_of(followed) as scratch, refused, recovered_to(followed, scratch, planned):
        pass


def test_a_name_that_is_no_time_ends_no_look_at_what_was_received(followed: Continuous) -> None:
    series = followed.archive().bases[0].series
    in_volume(followed, followed.wal, WAL, f"touch {WAL}/{series}/begun_99999999_999999")

    try:
        assert followed.archive().bases[0].series == series
    finally:
        in_volume(followed, followed.wal, WAL, f"rm {WAL}/{series}/begun_9*")


def test_a_plan_is_good_for_the_very_base_backup_that_it_was_made_for(followed: Continuous, tmp_path: Path) -> None:
    past = Past(continuous=followed, archive=followed.archive, home=tmp_path, system="shop", site="production")
    backup = past.identity(None)
    base = past.sealed(backup).base
    manifest = f"{BASES}/{base.series}/{base.name}/backup_manifest"
    in_volume(followed, followed.bases_place, BASES, f"cp -a {manifest} {BASES}/whole; echo >> {manifest}")
    try:
        with pytest.raises(BackupError, match="was replaced"):
            past.sealed(backup)
    finally:
        in_volume(followed, followed.bases_place, BASES, f"mv {BASES}/whole {manifest}")
    in_volume(followed, followed.wal, WAL, f"mv {WAL}/{base.series}/{base.first_segment}* {WAL}")
    try:
        with pytest.raises(BackupError, match=f"The WAL segment {base.first_segment} is missing"):
            past.sealed(backup)
    finally:
        in_volume(followed, followed.wal, WAL, f"mv {WAL}/{base.first_segment}* {WAL}/{base.series}")
    with pytest.raises(BackupError, match="is no longer there"):
        past.sealed(backup.model_copy(update={"place": f"{backup.place}0"}))


def test_what_another_major_version_has_received_is_refused(followed: Continuous, tmp_path: Path) -> None:
    past = Past(
        continuous=followed, archive=followed.archive, home=tmp_path, system="shop", site="production", server_major=99
    )

    with pytest.raises(PermanentError, match=r"received from PostgreSQL \d+, and the server here is 99"):
        past.identity(None)


def test_older_base_backups_go_with_the_wal_that_only_they_need(followed: Continuous) -> None:
    older = followed.archive().bases[0]
    newer = followed.take_base(datetime.now(UTC) + timedelta(seconds=1))
    assert newer.first_segment > older.first_segment

    followed.forget_before(newer)

    assert [one.name for one in followed.archive().bases] == [newer.name]
    assert min(followed.archive().series[newer.series].segments) >= newer.first_segment
    confirmed = write(followed, 2)[-1]
    with as_it_was(followed, None) as (scratch, reached):
        assert witnesses(scratch, reached)[-1] == confirmed
