"""What no dump brings back is told by the plan, carried over to the copy, and tried by starting a server with it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.old_server import OldServer, notes_of
from drbot.runners.actions import postgres, volume
from drbot.runners.actions.site_target import SiteTarget
from drbot.runners.clients.scratch_postgres import scratch_server, stop_cleanly
from tests.integration.actions.conftest import WorkerFixture
from tests.permits import own

pytestmark = pytest.mark.docker

CERTIFICATE = r"""
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=db -keyout /x/server.key -out /x/server.crt 2>/dev/null
chown --reference /x/PG_VERSION /x/server.key /x/server.crt; chmod 600 /x/server.key
"""


@pytest.fixture(autouse=True)
def _as_it_was(worker_fixture: WorkerFixture) -> Iterator[None]:
    """Production's own files come back. Its server reads none of them meanwhile."""
    worker_fixture.shell(worker_fixture.volume, "mkdir /x/kept && cp -p /x/*.conf /x/kept")
    yield
    worker_fixture.shell(
        worker_fixture.volume,
        "cp -p /x/kept/* /x; rm -rf /x/kept /x/conf.d /x/server.crt /x/server.key",
    )


def surveyed(worker_fixture: WorkerFixture) -> OldServer:
    """What a survey finds."""
    target = SiteTarget(worker_fixture.configuration.site(), worker_fixture.configuration, worker_fixture.clients)
    found = target.old_server()
    assert found is not None
    return found


def restored(worker_fixture: WorkerFixture, run: str, old: OldServer) -> tuple[str, str]:
    """The copy beside, made for a plan with these settings; and what the step says."""
    context = worker_fixture.context(run=run)
    context = replace(context, plan=context.plan.model_copy(update={"old_server": old}))
    beside = f"{worker_fixture.volume}_{run}"
    outcome = postgres.restore_beside(context, {"backup": worker_fixture.backup.name, "volume": beside})
    return beside, outcome.summary


def remove(worker_fixture: WorkerFixture, run: str) -> None:
    volume.remove(worker_fixture.context(run=run), {"volume": f"{worker_fixture.volume}_{run}"})


def ask(worker_fixture: WorkerFixture, run: str, *statements: str) -> list[str]:
    """The answers of a server on the copy, started with what is in it."""
    scratch = postgres.scratch_of(worker_fixture.context(run=run), f"{worker_fixture.volume}_{run}", "ask")
    with scratch_server(scratch, tuned=False, own_rules=False) as container:
        found = [
            worker_fixture.clients.docker.execute(
                container, ["psql", "-XAtq", "-U", scratch.user, "-c", one], seconds=20
            ).output
            for one in statements
        ]
        stop_cleanly(scratch, container)
    return found


@pytest.mark.more
def test_alter_system_rules_includes_and_certificates_come_with_the_copy(worker_fixture: WorkerFixture) -> None:
    worker_fixture.shell(worker_fixture.volume, "echo \"work_mem = '7MB'\" >> /x/postgresql.auto.conf")
    worker_fixture.shell(worker_fixture.volume, "echo 'host shop all 10.9.8.0/24 scram-sha-256' >> /x/pg_hba.conf")
    worker_fixture.shell(worker_fixture.volume, "mkdir /x/conf.d; echo 'random_page_cost = 1.5' > /x/conf.d/disk.conf")
    worker_fixture.shell(worker_fixture.volume, "printf \"include_dir 'conf.d'\\nssl = on\\n\" >> /x/postgresql.conf")
    worker_fixture.shell(worker_fixture.volume, CERTIFICATE)
    worker_fixture.shell(
        worker_fixture.volume, "chown -R --reference /x/PG_VERSION /x/conf.d; chmod 640 /x/pg_hba.conf"
    )
    run = "r20-settings"

    old = surveyed(worker_fixture)
    beside, said = restored(worker_fixture, run, old)
    memory, cost, ssl, rules = ask(
        worker_fixture,
        run,
        "SHOW work_mem",
        "SHOW random_page_cost",
        "SHOW ssl",
        "SELECT count(*) FROM pg_hba_file_rules WHERE address = '10.9.8.0' AND error IS NULL",
    )
    modes = worker_fixture.shell(
        beside, "stat -c '%a %u %n' /x/pg_hba.conf /x/server.key /x/conf.d /x/conf.d/disk.conf"
    )
    were = worker_fixture.shell(
        worker_fixture.volume,
        "stat -c '%a %u %n' /x/pg_hba.conf /x/server.key /x/conf.d /x/conf.d/disk.conf",
    )
    found = postgres.beside_rows(worker_fixture.context(run=run), {"volume": beside, "expect": "manifest"})
    left_behind = worker_fixture.shell(beside, "ls -A /x")
    remove(worker_fixture, run)

    names = {"pg_hba.conf", "postgresql.conf", "postgresql.auto.conf", "conf.d/disk.conf", "server.crt", "server.key"}
    assert names <= set(old.files)
    assert old.settings == ("work_mem",)
    assert "copied from the old volume: ALTER SYSTEM (work_mem), conf.d/disk.conf" in " ".join(notes_of(old))
    assert (memory, cost, ssl, rules) == ("7MB", "1.5", "on", "1")
    assert modes == were
    assert found.passed, found.sentence
    assert "settings carried over: conf.d/disk.conf, pg_hba.conf, postgresql.auto.conf" in said
    assert "drbot" not in left_behind


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("postgresql.auto.conf", "shared_preload_libraries = 'gone'", "gone"),
        ("pg_hba.conf", "nonsense", "pg_hba.conf"),
    ],
)
@pytest.mark.long
def test_a_server_that_does_not_start_with_them_keeps_its_fresh_ones_and_that_is_said(
    worker_fixture: WorkerFixture, file: str, line: str, reason: str
) -> None:
    worker_fixture.shell(worker_fixture.volume, f'echo "{line}" >> /x/{file}')
    run = "r21-bad-settings"

    beside, said = restored(worker_fixture, run, surveyed(worker_fixture))
    content = worker_fixture.shell(beside, f"cat /x/{file}; ls -A /x")
    found = postgres.beside_rows(worker_fixture.context(run=run), {"volume": beside, "expect": "manifest"})
    remove(worker_fixture, run)

    assert line not in content and "drbot" not in content
    assert "a server does not start with it" in said and reason in said
    assert found.passed, found.sentence


@pytest.mark.more
def test_rules_that_let_nobody_in_do_not_keep_the_rows_from_being_counted(worker_fixture: WorkerFixture) -> None:
    worker_fixture.shell(
        worker_fixture.volume,
        "printf 'local all all reject\\nhost all all all reject\\n' > /x/pg_hba.conf",
    )
    run = "r22-reject"

    beside, said = restored(worker_fixture, run, surveyed(worker_fixture))
    found = postgres.beside_rows(worker_fixture.context(run=run), {"volume": beside, "expect": "manifest"})
    remove(worker_fixture, run)

    assert "settings carried over: pg_hba.conf" in said
    assert found.passed, found.sentence


@pytest.mark.more
def test_what_changed_since_the_plan_is_not_carried_over(worker_fixture: WorkerFixture) -> None:
    old = surveyed(worker_fixture)
    worker_fixture.shell(worker_fixture.volume, "echo 'host all all all trust' >> /x/pg_hba.conf")
    run = "r23-changed"

    beside, said = restored(worker_fixture, run, old)
    content = worker_fixture.shell(beside, "cat /x/pg_hba.conf")
    remove(worker_fixture, run)

    assert "not carried over: pg_hba.conf has changed since the plan" in said
    assert "host all all all trust" not in content


def test_settings_are_only_written_into_what_the_same_run_has_made(worker_fixture: WorkerFixture) -> None:
    files = SiteTarget(
        worker_fixture.configuration.site(), worker_fixture.configuration, worker_fixture.clients
    ).server_files()
    before = worker_fixture.shell(worker_fixture.volume, "sha256sum /x/*.conf")

    with pytest.raises(PermanentError, match="was not made by"):
        files.carry(surveyed(worker_fixture), worker_fixture.volume, own("r25"))

    assert worker_fixture.shell(worker_fixture.volume, "sha256sum /x/*.conf") == before


def test_an_old_volume_that_cannot_be_read_is_told(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context(run="r24-empty")
    name = f"{worker_fixture.volume}_r24-empty"
    worker_fixture.clients.docker.create_volume(name, context.labels)
    files = SiteTarget(
        worker_fixture.configuration.site(), worker_fixture.configuration, worker_fixture.clients
    ).server_files()

    empty, gone = files.look(name), files.look(f"{name}-gone")
    volume.remove(context, {"volume": name})

    assert not empty.readable and not gone.readable
    assert "cannot be read: what ALTER SYSTEM has set" in " ".join(notes_of(empty))


@pytest.mark.more
def test_slots_and_other_versions_are_named_as_not_carried_over(worker_fixture: WorkerFixture) -> None:
    files = SiteTarget(
        worker_fixture.configuration.site(), worker_fixture.configuration, worker_fixture.clients
    ).server_files()
    worker_fixture.shell(worker_fixture.volume, "mkdir /x/pg_replslot/standby1; cp -p /x/PG_VERSION /x/kept.version")
    slots = files.look(worker_fixture.volume)
    worker_fixture.shell(worker_fixture.volume, "rmdir /x/pg_replslot/standby1; echo 12 > /x/PG_VERSION")
    other = files.look(worker_fixture.volume)
    worker_fixture.shell(worker_fixture.volume, "cp -p /x/kept.version /x/PG_VERSION; rm /x/kept.version")

    assert slots.left == ("replication slot standby1",)
    assert not other.files
    assert other.left[0].startswith("settings of PostgreSQL 12")
