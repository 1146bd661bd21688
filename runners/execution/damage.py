"""What is known of backups that could not be restored, for whoever looks for one; and what a run saw of one when it
read or restored it: readiness and `/dr backups` say so at once, as of one whose proof failed.
"""

from dataclasses import replace
from functools import partial
from importlib.metadata import version

from drbot.core.runs.plan import Plan
from drbot.core.site.full_manifest import is_full_name
from drbot.core.site.proofs import BackupProof, ProofResult
from drbot.core.site.stored_backups import BackupKind
from drbot.runners.clients.backup_store import Backup, BackupStore
from drbot.runners.contract.target import Search
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.own_proofs import OwnProofs
from drbot.store.records import proofs


def noting(worker_context: WorkerContext, search: Search) -> Search:
    """The same search, that knows what this host could not restore, and writes down what it sees damaged; but not among
    the backups of a drill.
    """
    known = OwnProofs(worker_context.home).failures()
    search = replace(search, failures=tuple(one for one in known if one.site == search.site))
    if worker_context.drill is not None:
        return search
    return replace(search, damaged=partial(_note, worker_context))


def not_restored(worker_context: WorkerContext, plan: Plan, why: str) -> None:
    """A step beside production failed, and the plan's backup is the cause: it did not come back."""
    backup = plan.backup
    if backup is None or not backup.mark or worker_context.drill is not None:
        return
    is_full = is_full_name(backup.name)
    site = backup.site or plan.data_of if is_full else plan.data_of
    kind = BackupKind.FULL if is_full else BackupKind.POSTGRES
    _keep(worker_context, why, site=site, kind=kind, name=backup.name, place=backup.store, mark=backup.mark)


def _note(worker_context: WorkerContext, backup: Backup, why: str) -> None:
    site, place = worker_context.site_name, BackupStore(backup.path.parent).place
    kind = BackupKind.POSTGRES
    _keep(worker_context, why, site=site, kind=kind, name=backup.name, place=place, mark=backup.mark)


def _keep(
    worker_context: WorkerContext, why: str, *, site: str, kind: BackupKind, name: str, place: str, mark: str
) -> None:  # fmt: skip
    with worker_context.database.write() as tx:
        proof = BackupProof(
            site=site, kind=kind, name=name, place=place, mark=mark, sha256="", proven_at=tx.now, seconds=0.0,
            version=version("drbot-chatops"), result=ProofResult.FAILED, fault=worker_context.redact(why),
        )  # fmt: skip
        proofs.tried(tx, proof)
    OwnProofs(worker_context.home).tried(proof)
