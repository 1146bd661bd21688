"""Twelve compose forms × six kinds of Redis: every key of every database is what it was, or its own time was over."""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.full_manifest import REDIS
from drbot.runners.actions import equality, restoring
from drbot.runners.backups.make_full import collect
from drbot.runners.clients import scratch_redis
from tests.integration.redis.forms import FORMS, KINDS
from tests.integration.redis.redis_site import Keys, RedisSite, redis_site

pytestmark = pytest.mark.docker
ALWAYS = (
    ("in a shell", "ttl"),
    ("configs and secrets", "password"),
)


def lost(before: Keys, after: Keys) -> dict[str, object]:
    """What differs, but for keys whose own time was over."""
    now = int(time.time() * 1000)
    ended = {key for key, (_, _, ends) in before.items() if -1 != ends <= now}
    differing = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    return {str(key): (before.get(key), after.get(key)) for key in sorted(differing - ended)[:5]}


def no_backup() -> BackupIdentity:
    """What lies in no repository has no identity."""
    return BackupIdentity(place="here", name="copy", size=1, sha256="0", snapshot_at=datetime.now(UTC), manifest=True)


def copy_of(here: RedisSite) -> bytes:
    """The RDB file that a full backup would hold."""
    making = here.making()
    assert collect(making, None).redis is not None
    return (making.folder / REDIS).read_bytes()


def require_all(here: RedisSite, before: Keys) -> None:
    after = here.keys()
    assert lost(before, after) == {}
    assert len(after) >= 306 * len(here.kind.databases)


@pytest.mark.parametrize(
    ("form", "kind"), [ALWAYS[0], *(pytest.param(*one, marks=pytest.mark.more) for one in ALWAYS[1:])]
)
def test_every_key_comes_back_from_a_full_backup(engine: str, tmp_path: Path, form: str, kind: str) -> None:
    with redis_site(engine, tmp_path, form, KINDS[kind]) as here:
        here.fill()
        before = here.keys()
        context = here.back_up()
        here.lose()

        here.restore(context)
        here.up()

        found = equality.keys(context, {})
        assert found.passed, found.sentence
        require_all(here, before)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_every_key_of_every_form_comes_back(engine: str, tmp_path: Path, form: str, kind: str) -> None:
    """The same without the repository that the copy and the settings lie in."""
    with redis_site(engine, tmp_path, form, KINDS[kind]) as here:
        here.fill()
        before = here.keys()
        copy = copy_of(here)
        shutil.copytree(here.projects, tmp_path / "sealed")
        here.lose()

        shutil.copytree(tmp_path / "sealed", here.projects, dirs_exist_ok=True)
        context = here.context(no_backup())
        restoring.prepare_volume(context, here.volume)
        count, _ = scratch_redis.restore(restoring.redis_alone(context, here.volume), [copy])
        here.up()

        found = equality.compare_keys(context, count.keys, lambda: [copy])
        assert count.keys >= 306 * len(KINDS[kind].databases)
        assert found.passed, found.sentence
        require_all(here, before)
