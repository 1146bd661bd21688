"""The dump of a plan on this host: in the folder of backups, or fetched from a bucket into a folder of the run.

Nothing is used of what is fetched before all of it is here and has the digest of the plan.
"""

import shutil
import time
from pathlib import Path

from drbot.core.base.errors import BackupError, DrbotError, PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.text.messages import phrase
from drbot.runners.clients.backup_store import SUFFIX, Backup, BackupStore, manifest_path
from drbot.runners.clients.dump_store import dump_stores
from drbot.runners.contract.action import StepContext
from drbot.store.base.file_modes import PRIVATE_FOLDER

LEFT_SECONDS = 86_400.0
"""What another run has brought and not touched for so long nobody needs any more."""


def dump_named(context: StepContext, name: str) -> Backup:
    """The one of this name; the plan's from wherever it says. Raises PermanentError, TemporaryError, CancelledError."""
    sealed = context.plan.backup
    if sealed is None or not sealed.is_in_bucket or name not in (sealed.name, sealed.name.removesuffix(SUFFIX)):
        return context.clients.backups.get(name)
    folder = folder_of(context)
    if manifest_path(folder / sealed.name).exists():  # written last
        return BackupStore(folder).get(sealed.name)
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    for other in folder.parent.iterdir():
        if other != folder and time.time() - other.stat().st_mtime > LEFT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
    return _brought(context, sealed, folder)


def let_go(context: StepContext) -> None:
    """What was brought is not needed any more."""
    shutil.rmtree(folder_of(context), ignore_errors=True)


def folder_of(context: StepContext) -> Path:
    return dumps_folder(context.clients.settings.home, context.plan.site) / context.run.id


def dumps_folder(home: Path, site: str) -> Path:
    """Where what is fetched for a site lies, each in a folder of its own."""
    return home / "recoveries" / site / "dumps"


def _brought(context: StepContext, sealed: BackupIdentity, folder: Path) -> Backup:
    """From the place of the plan; when that fails, the same bytes from another one."""
    first: DrbotError | None = None
    stores = dump_stores(context.configuration)
    for store in sorted(stores, key=lambda store: not sealed.place.startswith(store.place)):
        try:
            dump = store.find(sealed.name, sealed.system, sealed.site, context.cancelled)
            if dump is not None:
                context.log(f"Fetching {dump.place}")
                return store.fetch(dump, folder, sealed.sha256, context.progress, context.cancelled)
        except (PermanentError, TemporaryError) as error:
            context.log(str(error))
            first = first or error
    raise first or BackupError(phrase("{name} is no longer in any bucket of dr.yml", name=sealed.name))
