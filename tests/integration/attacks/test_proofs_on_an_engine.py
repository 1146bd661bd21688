"""Proofs of full backups by a dr.yml or a compose file that somebody has edited: Redis is started by it, unasked."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drbot.core.site.proofs import LINES, ProofResult
from drbot.core.site.readiness import Colour
from drbot.core.site.stored_backups import BackupKind
from drbot.lab.compose import compose
from drbot.lab.system import Lab
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.container_labels import RUN_LABEL
from drbot.runners.foundation.own_proofs import OwnProofs
from drbot.store.base.database import Database
from tests.archives import with_quick_key
from tests.integration.lab.provers import Proving, proving
from tests.labs import LabFactory

pytestmark = pytest.mark.docker
FULLS = LINES[BackupKind.FULL]


@pytest.fixture
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory("lab")


@pytest.fixture
def here(lab: Lab, tmp_path: Path) -> Iterator[Proving]:
    database = Database(f"sqlite:///{tmp_path}/state.db")
    database.migrate()
    with proving(lab, database, tmp_path) as made:
        yield made
    database.close()


def started(lab: Lab, here: Proving, since: int) -> list[str]:
    """Containers that the proof has started."""
    filters = {"label": f"{RUN_LABEL}={here.prover.run}", "event": "start"}
    with lab.client() as client:
        told = client.events(since=since, until=int(time.time()) + 1, decode=True, filters=filters)
        return [one["from"] for one in told]


@pytest.mark.more
def test_a_backup_whose_redis_dr_yml_does_not_know_is_not_called_proven(here: Proving, lab: Lab) -> None:
    made, _ = back_up_full(with_quick_key(here.configuration), "production", clients=here.clients)
    (one,) = here.look()
    site = here.configuration.site().model_copy(update={"redis": None})
    edited = here.configuration.model_copy(update={"sites": {"production": site}})
    since = int(time.time())

    proof = replace(here.prover, configuration=edited).prove(one)

    assert proof is not None
    assert (proof.result, "It holds data of Redis" in proof.fault) == (ProofResult.POSTPONED, True), proof
    assert here.lines()[FULLS].colour is not Colour.GREEN
    assert OwnProofs(here.clients.settings.home).of(made.digest) is None
    assert started(lab, here, since) == []


@pytest.mark.more
def test_a_proof_gives_redis_no_right_that_productions_own_does_not_have(here: Proving, lab: Lab) -> None:
    """Who edits its compose file would have it run so, unasked; until production itself does."""
    back_up_full(with_quick_key(here.configuration), "production", clients=here.clients)
    (one,) = here.look()
    service = here.configuration.site().services["redis"]
    override = here.clients.compose.folder(service.project) / "docker-compose.override.yml"
    override.write_text(json.dumps({"services": {service.service: {"privileged": True}}}))
    since = int(time.time())

    waiting = here.prover.prove(one)
    begun, lines = started(lab, here, since), here.lines()
    compose(lab.host, override.parent, "up", "--detach", "--wait")
    proof = here.prover.prove(one)
    override.unlink()
    compose(lab.host, override.parent, "up", "--detach", "--wait")

    assert waiting is not None
    assert proof is not None
    assert waiting.result is ProofResult.POSTPONED
    assert "that was made from the files there now" in waiting.fault
    assert waiting.fault in lines[FULLS].reason
    assert begun == []
    assert proof.result is ProofResult.PROVEN, proof.fault
