"""Every new backup is restored once beside production, and nothing of that stays."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from sqlalchemy import update

from drbot.core.base.errors import UserError
from drbot.core.runs.run import RunKind
from drbot.core.site.level import Level
from drbot.core.site.own_checks import OwnChecks
from drbot.core.site.proofs import LINES, READ_AGAIN, BackupProof, ProofResult, to_prove
from drbot.core.site.readiness import Colour
from drbot.core.site.site import Schedule
from drbot.core.site.stored_backups import BackupKind
from drbot.core.text.messages import say
from drbot.lab import layout
from drbot.lab.system import Lab
from drbot.runners.actions.site_target import SiteTarget
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.backups.readings import Reading, Readings, stamp_of
from drbot.runners.clients.backup_store import manifest_path, read_manifest
from drbot.runners.contract.target import Search
from drbot.runners.execution.damage import noting
from drbot.runners.foundation.own_proofs import OwnProofs
from drbot.runners.planning.survey_questions import passed_over
from drbot.runners.upkeep.backup_readiness import look_at_backups, look_at_backups_of, proof_lines
from drbot.store.base.database import Database
from drbot.store.base.schema import proofs as proof_rows
from drbot.store.records import incidents, proofs, readiness, stored_backups
from drbot.store.runs import runs
from tests.archives import with_quick_key
from tests.integration.lab.provers import Proving, proving
from tests.integration.runners.worker_fixture import worker_fixture_in
from tests.labs import mend
from tests.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.docker
DUMPS, FULLS = LINES[BackupKind.POSTGRES], LINES[BackupKind.FULL]


@pytest.fixture
def here(lab: Lab, database: Database, tmp_path: Path) -> Iterator[Proving]:
    mend(lab)
    with proving(lab, database, tmp_path) as made:
        yield made


def test_a_new_backup_of_postgresql_is_restored_once_and_nothing_stays(here: Proving) -> None:
    made = back_up_postgres(here.configuration, "production", clients=here.clients)
    here.look()
    assert here.lines()[DUMPS].colour is Colour.AMBER

    proof = here.prover.prove_next()

    assert proof is not None
    assert (proof.result, proof.name, proof.sha256) == (ProofResult.PROVEN, made.name, made.sha256), proof.fault
    assert here.prover.prove_next() is None
    assert here.lines()[DUMPS].colour is Colour.GREEN
    assert made.name in here.lines()[DUMPS].reason
    assert here.left_behind() == []
    seen = OwnProofs(here.clients.settings.home).of(made.sha256)
    assert seen is not None and (seen.proven_at, seen.seconds) == (proof.proven_at, proof.seconds)

    (found,) = here.look()
    with here.database.write() as tx:  # a copy elsewhere is not called proven by the one that is here
        stored_backups.saw(tx, "production", [replace(found, place="s3://shop/")])
    elsewhere = here.prover.prove_next()
    assert elsewhere is not None
    assert (elsewhere.place, elsewhere.result) == ("s3://shop/", ProofResult.FAILED)

    os.utime(here.configuration.backups.directory / made.name)  # other bytes may be in it now
    assert [one.name for one in to_prove(here.look(), here.known(), datetime.now(UTC))] == [made.name]


def test_the_backups_of_another_site_are_tried_by_its_own_worker(here: Proving) -> None:
    """In the same folder, so in the same place: what came of one says nothing about the other."""
    site, schedule = here.configuration.site(), Schedule(postgres="0 * * * *", sites=("production", "staging"))
    backups = here.configuration.backups.model_copy(update={"schedule": schedule})
    both = here.configuration.model_copy(update={"sites": {"production": site, "staging": site}, "backups": backups})
    made = back_up_postgres(both, "staging", clients=here.clients)
    looked = look_at_backups_of("staging", both)
    with here.database.write() as tx:
        stored_backups.saw(tx, "staging", looked.found)
        stored_backups.saw(tx, "production", look_at_backups(both).found)
    (soon,) = proof_lines(both, "staging", looked.found, [])
    assert (say(soon.what, "en"), soon.colour) == ("staging: proof of PostgreSQL backups", Colour.AMBER)

    assert replace(here.prover, configuration=both).prove_next() is None
    proof = replace(here.prover, configuration=both, site_name="staging").prove_next()

    assert proof is not None
    assert (proof.site, proof.name, proof.result) == ("staging", made.name, ProofResult.PROVEN), proof.fault
    (green,) = proof_lines(both, "staging", looked.found, here.known())
    assert green.colour is Colour.GREEN and made.name in green.reason
    assert list(proof_lines(both, "production", looked.found, here.known())) == []


@pytest.mark.parametrize(("expect", "result"), [(">= 5000", ProofResult.PROVEN), ("0", ProofResult.FAILED)])
def test_a_backup_is_proven_when_it_passes_the_checks_of_dr_yml_too(
    lab: Lab, database: Database, tmp_path: Path, expect: str, result: ProofResult
) -> None:
    mend(lab)
    check = {"title": "users", "sql": "SELECT count(*) FROM users", "database": "authdb", "expect": expect}
    with proving(lab, database, tmp_path, proof=OwnChecks.model_validate({"checks": [check]})) as here:
        back_up_postgres(here.configuration, "production", clients=here.clients)
        here.look()

        proof = here.prover.prove_next()

        assert proof is not None and proof.result is result
        assert ('own check "users"' in proof.fault) is (result is ProofResult.FAILED)
        assert here.left_behind() == []


def flip(path: Path) -> None:
    """One bit, as a disk does it: nothing else of the file tells."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def spoilt_by_its_disk(here: Proving, path: Path) -> None:
    """Nothing that the file system tells of it has changed since it was found good."""
    made = read_manifest(manifest_path(path))[0]
    assert made is not None
    found = Reading(
        sha256=made.sha256, sql_bytes=made.sql_bytes, server_version=made.server_version, holds_data=True,
        at=time.time(),
    )  # fmt: skip
    Readings(here.prover.clients.settings.home, settled=0).keep(path, stamp_of(path), found)


def test_a_dump_that_was_good_is_read_again_and_red_once_a_bit_of_it_has_flipped(here: Proving) -> None:
    made = back_up_postgres(here.configuration, "production", clients=here.clients)
    here.look()
    assert here.prover.prove_next() is not None
    with here.database.write() as tx:
        tx.connection.execute(update(proof_rows).values(proven_at=tx.now - READ_AGAIN))
    again = here.prover.prove_next()
    assert again is not None and again.result is ProofResult.SAME
    assert here.lines()[DUMPS].colour is Colour.GREEN

    path = here.configuration.backups.directory / made.name
    before = path.stat()
    os.utime(path)
    line = here.lines()[DUMPS]
    assert (line.colour, "its file was changed since it was restored" in line.reason) == (Colour.RED, True)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    flip(path)
    spoilt_by_its_disk(here, path)
    assert here.lines()[DUMPS].colour is Colour.GREEN
    with here.database.write() as tx:
        tx.connection.execute(update(proof_rows).values(proven_at=tx.now - READ_AGAIN))
    seen = here.prover.prove_next()
    assert seen is not None and seen.result is ProofResult.FAILED
    assert here.lines()[DUMPS].colour is Colour.RED


def test_a_survey_that_reads_a_damaged_dump_turns_it_red_at_once(here: Proving, tmp_path: Path) -> None:
    made = back_up_postgres(here.configuration, "production", clients=here.clients)
    here.look()
    assert here.prover.prove_next() is not None
    flip(here.configuration.backups.directory / made.name)
    context = replace(worker_fixture_in(tmp_path).worker_context, database=here.database)
    target = SiteTarget(here.configuration.site(), here.configuration, here.clients)

    with pytest.raises(UserError, match=made.name):
        target.choose_backup(noting(context, Search(site="production")))

    line = here.lines()[DUMPS]
    assert (line.colour, f"{made.name} in file:" in line.reason) == (Colour.RED, True)
    with here.database.read() as connection:
        assert readiness.happened_at(connection) == here.known()[0].proven_at  # the next look is due


def test_a_plan_takes_the_newest_that_could_be_restored_and_says_which_it_passed_over(
    here: Proving, tmp_path: Path
) -> None:
    """By what this host has seen: a row of the database, which others may write, takes no backup away."""
    older = back_up_postgres(here.configuration, "production", clients=here.clients)
    newer = back_up_postgres(here.configuration, "production", clients=here.clients)
    (last,) = [one for one in here.look() if one.name == newer.name]
    context = replace(worker_fixture_in(tmp_path).worker_context, database=here.database)
    target = SiteTarget(here.configuration.site(), here.configuration, here.clients)
    with here.database.write() as tx:
        failed = BackupProof(
            site="production", kind=BackupKind.POSTGRES, name=newer.name, place=last.place, mark=last.mark, sha256="",
            proven_at=tx.now, seconds=1.0, version="1", result=ProofResult.FAILED, fault="its index is broken",
        )  # fmt: skip
        proofs.tried(tx, failed)

    assert target.choose_backup(noting(context, Search(site="production"))).backup.name == newer.name
    OwnProofs(context.home).tried(failed)
    chosen = target.choose_backup(noting(context, Search(site="production")))
    named = target.choose_backup(noting(context, Search(site="production", name=newer.name)))

    assert chosen.backup.name == older.name
    (said,) = passed_over(chosen)
    assert said.startswith(f"A newer backup was refused: {newer.name}: could not be restored on ")
    assert named.backup.name == newer.name
    (said,) = passed_over(named)
    assert said.startswith(f"{newer.name}: could not be restored on ")


@pytest.mark.more
def test_a_full_backup_comes_back_with_redis_settings_and_files(here: Proving, lab: Lab) -> None:
    """Names of files may hold whatever they like: a line's end too."""
    volume = lab.prefix + str(layout.part("admin").volume)
    lab.on_volume(volume, "/srv/files", "touch '/srv/files/two\nlines' '/srv/files/\n'")
    made, _ = back_up_full(with_quick_key(here.configuration), "production", clients=here.clients)
    lab.on_volume(volume, "/srv/files", "rm '/srv/files/two\nlines' '/srv/files/\n'")
    here.look()

    proof = here.prover.prove_next()

    assert proof is not None
    assert (proof.kind, proof.result, proof.sha256) == (BackupKind.FULL, ProofResult.PROVEN, made.digest), proof.fault
    assert here.lines()[FULLS].colour is Colour.GREEN
    assert here.left_behind() == []


def begin_a_run(database: Database) -> None:
    with database.write() as tx:
        incident = incidents.declare(
            tx, site="production", level=Level.DATABASE, title="It broke", person="aiko", started_at=tx.now
        )
        runs.queue(
            tx, incident=incident.id, site="production", kind=RunKind.RECOVER, runbook="level2-postgres", arguments={},
            person="aiko",
        )  # fmt: skip


def test_a_run_that_begins_ends_it_at_once_and_while_it_lasts_none_is_begun(here: Proving) -> None:
    back_up_postgres(here.configuration, "production", clients=here.clients)
    (one,) = here.look()
    told: list[str] = []

    def progress(_done: float, _total: float | None, unit: str) -> None:
        if not told and here.left_behind():
            told.append(unit)
            begin_a_run(here.database)

    assert replace(here.prover, progress=progress).prove(one) is None
    assert told
    assert here.prover.prove_next() is None
    assert here.known() == []
    assert here.left_behind() == []


def test_what_a_killed_process_left_is_removed_with_the_next_start(here: Proving, lab: Lab, tmp_path: Path) -> None:
    back_up_postgres(here.configuration, "production", clients=here.clients)
    document = with_backups_in(here.configuration.backups.directory, lab.configuration, tmp_path)
    environment = {**os.environ, "DRBOT_HOME": str(tmp_path)}
    command = [str(Path(sys.executable).with_name("drbot")), "backup", "prove", "--config", str(document)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    wait_for(lambda: len(here.left_behind()) >= 2, 60, "a server on a volume")
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = here.volumes()
    assert left

    here.prover.tidy()

    assert here.left_behind() == []
    assert here.is_gone(left)

    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "restored on" in ended.stdout
    assert [one.result for one in here.known()] == [ProofResult.PROVEN]


def test_a_server_that_the_system_killed_in_the_middle_is_no_fault_of_the_backup(here: Proving) -> None:
    back_up_postgres(here.configuration, "production", clients=here.clients)
    (one,) = here.look()
    api, killed = here.clients.docker.client.api, list[int]()

    def of_the_dump() -> list[int]:
        at_work = [name for name in here.left_behind() if api.inspect_container(name)["State"]["Running"]]
        lines = [line for name in at_work for line in api.top(name)["Processes"]]
        return [int(line[1]) for line in lines if "postgres: postgres postgres [local]" in line[-1]]

    def kill(done: float, total: float | None, unit: str) -> None:
        if not killed and len(here.left_behind()) > 1:
            wait_for(of_the_dump, PATIENCE, "the dump to be executed")
            killed.extend(of_the_dump())
            os.kill(killed[0], signal.SIGKILL)

    proof = replace(here.prover, progress=kill).prove(one)

    assert killed and proof is not None
    assert proof.result is ProofResult.POSTPONED
    assert "not enough memory" in proof.fault


def test_what_cannot_be_tried_is_no_fault_of_the_backup(here: Proving) -> None:
    """No room, or no compose file to run a server by: it is tried again, and readiness says what is in the way."""
    back_up_postgres(here.configuration, "production", clients=here.clients)
    (one,) = here.look()

    proof = replace(here.prover, room=10**12).prove(one)

    assert proof is not None
    assert (proof.result, "are needed to try it" in proof.fault) == (ProofResult.POSTPONED, True), proof
    assert here.lines()[DUMPS].colour is Colour.RED
    project = here.configuration.site().services["postgres"].project
    folder = here.clients.compose.folder(project)
    folder.rename(folder.with_name("elsewhere"))
    proof = here.prover.prove(one)
    folder.with_name("elsewhere").rename(folder)
    assert proof is not None
    assert proof.result is ProofResult.POSTPONED


def with_backups_in(directory: Path, original: Path, folder: Path) -> Path:
    """The lab's dr.yml with this folder of backups."""
    tree, path = YAML().load(original.read_text()), folder / "dr.yml"
    tree["backups"]["directory"] = str(directory)
    with path.open("w") as output:
        YAML().dump(tree, output)
    return path
