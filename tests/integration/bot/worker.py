"""Plays the worker through the store, so that no Docker is needed."""

from datetime import UTC, datetime, timedelta

from drbot.core.runs.incident import Incident
from drbot.core.runs.plan import BackupIdentity
from drbot.core.runs.run import Run
from drbot.core.runs.stakes import Act, KeepKind, Keeps, Loss, LossKind, ProofKind, Stakes
from drbot.store.base.database import Database
from drbot.store.records import steps
from drbot.store.runs import runs
from tests.integration.store.store_fixture import plan_of


def planned(database: Database, incident: Incident) -> Run:
    """The incident's run, claimed, with a plan that replaces a volume."""
    with database.write() as tx:
        run = runs.current(tx.connection, incident.id)
        assert run is not None
        run = runs.claim(tx, run.id, "worker", 600)
        assert run is not None
        backup = BackupIdentity(
            place="file:/backups",
            name="all_databases_20261126_020000.sql.gz",
            size=13_400_000,
            sha256="0" * 64,
            snapshot_at=datetime.now(UTC) - timedelta(hours=2),
            manifest=True,
            site="production",
        )
        update = {
            "backup": backup,
            "replaces": ("volume postgres_data of ai-micro-postgres",),
            "stakes": Stakes(
                act=Act.RESTORE,
                proof=ProofKind.BESIDE,
                loss=Loss(kind=LossKind.SINCE_BACKUP, seconds=7200),
                keeps=Keeps(kind=KeepKind.VOLUME, names=("postgres_data_before",)),
            ),
            "loss_seconds": 7200.0,
            "requesters": ("aiko",),
        }
        return runs.planned(tx, run, plan_of(run).model_copy(update=update))


def do_steps(database: Database, run: Run, count: int) -> None:
    """The step `look` fails to matter: many events, quickly."""
    for number in range(count):
        with database.write() as tx:
            steps.retried(tx, run, "look", f"attempt {number}")
