"""`drbot backup full`, and full backups in `drbot backup list` and `check`."""

from rich.console import Console
from rich.markup import escape

from drbot.cli.terminal import table_of
from drbot.core.errors import PermanentError, TemporaryError
from drbot.core.full_manifest import SUFFIX, FullManifest
from drbot.core.plan import BackupIdentity
from drbot.core.site import Configuration
from drbot.core.words import size
from drbot.runners.backups.choose_full import FullRules, candidates, check_full_backup
from drbot.runners.clients.full_store import FullBackup, full_stores
from drbot.runners.foundation.watching import Progress


def summary_of(made: FullBackup, manifest: FullManifest) -> str:
    """What is in it, in one line."""
    rows = f"{sum(manifest.rows.values())} rows in {len(manifest.rows)} tables"
    keys = f"{manifest.redis.keys} Redis keys" if manifest.redis else "no Redis"
    files = made.snapshot.files if made.snapshot else 0
    return f"{made.name}: {size(made.size)} in {files} files; {rows}, {keys}, {len(manifest.projects)} projects"


def show_full_backups(console: Console, configuration: Configuration) -> None:
    """A table of those in every place, newest first, and the places that do not answer."""
    found = candidates(full_stores(configuration))
    table = table_of("name", "data as of (UTC)", "holds", "made by", "where", title="Full", framed=False)
    for backup in found.backups:
        made_by = "drbot" if backup.snapshot else "a script"
        table.add_row(
            backup.name.removesuffix(SUFFIX),
            f"{backup.moment:%Y-%m-%d %H:%M:%S}",
            size(backup.size),
            f"[red]{escape(backup.fault)}[/]" if backup.fault else made_by,
            backup.store.place,
        )
    if found.backups:
        console.print(table)
    for sentence in found.silent:
        console.print(f"[red]Not asked:[/] {escape(sentence)}")


def check_everywhere(
    configuration: Configuration, site: str, name: str, progress: Progress
) -> tuple[list[BackupIdentity], list[str]]:
    """Read it from start to end in every place that has it: the good ones, and what is wrong with the others."""
    files = configuration.site(site).files
    rules = FullRules(system=configuration.system, site=site, files=files, progress=progress)
    good: list[BackupIdentity] = []
    found = candidates(full_stores(configuration), name)
    wrong = list(found.silent)
    for backup in found.backups:
        try:
            good.append(check_full_backup(backup, rules))
        except (PermanentError, TemporaryError) as error:
            wrong.append(str(error))
    return good, wrong or ([] if good else [f"There is no full backup {name}"])
