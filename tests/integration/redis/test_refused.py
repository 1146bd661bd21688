"""What would lose keys is said: before the service is started, in seconds, and with what to do."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import CancelledError, PermanentError
from drbot.core.site.site import Redis
from drbot.runners.actions import equality, restoring
from drbot.runners.backups.make_full import collect
from drbot.runners.clients import redis_alone, redis_copy, scratch_redis
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.rdb_check import RdbCount
from drbot.runners.foundation.watching import never
from tests.integration.redis.forms import KINDS, Kind
from tests.integration.redis.redis_site import RedisSite, redis_site
from tests.integration.redis.test_comes_back import copy_of, no_backup
from tests.waiting import wait_for

pytestmark = [pytest.mark.docker, pytest.mark.more]


def restored(here: RedisSite, copy: bytes) -> RdbCount:
    context = here.context(no_backup())
    restoring.prepare_volume(context, here.volume)
    return scratch_redis.restore(restoring.redis_alone(context, here.volume), [copy])[0]


def rewritten(here: RedisSite, **changes: object) -> None:
    """The service is described in another way."""
    path = here.projects / here.name / "compose.yml"
    document = json.loads(path.read_text())
    document["services"]["redis"] |= changes
    path.write_text(json.dumps(document))


def test_a_service_that_would_not_load_every_key_is_refused_with_its_own_words(engine: str, tmp_path: Path) -> None:
    with redis_site(engine, tmp_path, "words", KINDS["ttl"]) as here:
        here.fill()
        copy = copy_of(here)
        here.compose("down", "--timeout", "2")
        here.docker("volume", "rm", here.volume)

        for command, said in (
            (["sh", "-c", "rm -f /data/dump.rdb; exec redis-server"], r"loads 0 of the 346 keys"),
            (["redis-server", "--dir", "/tmp"], "keeps its data outside of /data"),
            (["redis-server", "--aclfile", "/no/such.acl"], "does not start as its compose file says.*such.acl"),
            (["redis-server", "--no-such-option", "1"], "does not start as its compose file says.*no-such-option"),
            (["no-such-program"], "no-such-program"),
        ):
            rewritten(here, command=command)
            with pytest.raises(PermanentError, match=f"(?s){said}"):
                restored(here, copy)
        rewritten(here, command=["redis-server"])
        with pytest.raises(PermanentError, match="damaged"):
            restored(here, copy[:-500])
        assert restored(here, copy).keys == 346


def test_a_form_that_starts_no_redis_is_given_up_soon(engine: str, tmp_path: Path) -> None:
    with redis_site(engine, tmp_path, "words", KINDS["plain"]) as here:
        rewritten(here, command=["sh", "-c", "echo waiting for the network; sleep 1000"])
        alone = restoring.redis_alone(here.context(no_backup()), here.volume)

        with pytest.raises(PermanentError, match=r"not ready after 3 s.*without a network: waiting for the network"):
            redis_alone.run_once(alone, redis_alone.programs_of(alone), 3)


def test_keys_that_are_lost_are_told_from_those_whose_time_was_over(engine: str, tmp_path: Path) -> None:
    with redis_site(engine, tmp_path, "words", KINDS["ttl"]) as here:
        here.fill()
        copy, server = copy_of(here), next(here.servers())
        context = here.context(no_backup())
        wait_for(lambda: server.dbsize() == 306, 60, "the short keys to be over")
        told_by_itself = equality.compare_keys(context, 346, lambda: [copy])
        server.config_resetstat()
        told_by_the_copy = equality.compare_keys(context, 346, lambda: [copy])
        server.delete("session:7")
        lost = equality.compare_keys(context, 346, lambda: [copy])

        assert told_by_itself.passed
        assert "346 keys; 40 expired" in told_by_itself.sentence
        assert told_by_the_copy.passed
        assert "306 of the backup's 346 keys; up to 40 expired" in told_by_the_copy.sentence
        assert not lost.passed
        assert lost.sentence == (
            "Redis has 305 keys, 0 without expiry; the backup has 346, 0 without expiry; "
            "40 of the backup's keys have expired"
        )


def test_an_acl_that_holds_only_hashes_needs_a_user_of_dr_yml(engine: str, tmp_path: Path) -> None:
    secret = sha256(b"s3cret-admin").hexdigest()
    acl = Kind(
        settings=KINDS["acl"].settings, username="admin", password="s3cret-admin",
        files={"/acl/users.acl": f"user default off\nuser admin on #{secret} ~* &* +@all\n"},
    )  # fmt: skip
    with redis_site(engine, tmp_path, "words", acl) as here:
        assert here.clients.redis.fault() is None
        with pytest.raises(PermanentError, match="SITE_REDIS_PASSWORD"):
            collect(here.making(), None)

        named = here.site.model_copy(update={"redis": Redis(volume=here.volume, user="admin")})
        settings = replace(here.clients.settings, redis_password="s3cret-admin")
        clients = clients_of(named, here.configuration, settings)
        assert clients.redis.count().keys == 0
        assert redis_copy.copy(clients.docker, clients.redis, {}, tmp_path, never).keys == 0


def test_stop_ends_a_trial_and_leaves_no_container(engine: str, tmp_path: Path) -> None:
    with redis_site(engine, tmp_path, "words", KINDS["plain"]) as here:
        rewritten(here, command=["sh", "-c", "sleep 1000"])
        docker = here.clients.docker
        alone = restoring.redis_alone(here.context(no_backup()), here.volume)
        alone = replace(alone, cancelled=lambda: is_up(docker.find(alone.name)))

        with pytest.raises(CancelledError):
            redis_alone.run_once(alone, redis_alone.programs_of(alone), 60)

        assert docker.find(alone.name) is None
        assert docker.labelled({"drbot.run": f"run-{here.name}"}) == ()


def is_up(found: dict[str, Any] | None) -> bool:
    return found is not None and found["State"]["Status"] == "running"
