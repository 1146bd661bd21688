"""What is known of backups that could not be restored, for whoever looks for one; and what a run saw of a dump when it
read it: readiness and `/dr backups` say so at once, as of one that failed.
"""

from dataclasses import replace
from functools import partial
from importlib.metadata import version

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


def _note(worker_context: WorkerContext, backup: Backup, why: str) -> None:
    with worker_context.database.write() as tx:
        proof = BackupProof(
            site=worker_context.site_name, kind=BackupKind.POSTGRES, name=backup.name,
            place=BackupStore(backup.path.parent).place, mark=backup.mark, sha256="", proven_at=tx.now, seconds=0.0,
            version=version("drbot-chatops"), result=ProofResult.FAILED, fault=worker_context.redact(why),
        )  # fmt: skip
        proofs.tried(tx, proof)
    OwnProofs(worker_context.home).tried(proof)
