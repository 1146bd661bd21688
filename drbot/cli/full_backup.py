"""`drbot backup full`, and full backups in `drbot backup list` and `check`."""

from rich.console import Console

from drbot.cli.terminal import marked, spoken, table_of
from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.full_manifest import SUFFIX, FullManifest
from drbot.core.site.site import Configuration
from drbot.core.text.messages import clauses, listed, phrase
from drbot.core.text.words import size
from drbot.runners.backups.choose_full import FullRules, candidates, check_full_backup
from drbot.runners.clients.full_store import FullBackup, full_stores
from drbot.runners.foundation.watching import Progress

NOT_ASKED: str = phrase("Could not be read:")


def summary_of(made: FullBackup, manifest: FullManifest) -> str:
    rows = phrase("rows: {rows}, tables: {tables}", rows=sum(manifest.rows.values()), tables=len(manifest.rows))
    keys = phrase("keys of Redis: {keys}", keys=manifest.redis.keys) if manifest.redis else phrase("no Redis")
    files = phrase("files: {files} ({size})", size=size(made.size), files=made.snapshot.files if made.snapshot else 0)
    projects = phrase("projects: {count}", count=len(manifest.projects))
    return phrase("{name}: {holds}", name=made.name, holds=clauses([files, listed([rows, keys, projects])]))


def show_full_backups(console: Console, configuration: Configuration) -> bool:
    """A table of those in every place, newest first, and the places that do not answer. Whether all do."""
    found = candidates(full_stores(configuration))
    columns = (phrase("name"), phrase("data as of (UTC)"), phrase("holds"), phrase("made by"), phrase("where"))
    table = table_of(*columns, title=phrase("Full"), framed=False)
    for backup in found.backups:
        made_by = "drbot" if backup.snapshot else spoken(phrase("a script"))
        table.add_row(
            backup.name.removesuffix(SUFFIX),
            f"{backup.moment:%Y-%m-%d %H:%M:%S}",
            size(backup.size),
            f"[red]{marked(backup.fault)}[/]" if backup.fault else made_by,
            backup.store.place,
        )
    if found.backups:
        console.print(table)
    for sentence in found.silent:
        console.print(f"[red]{marked(NOT_ASKED)}[/] {marked(sentence)}")
    return not found.silent


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
    return good, wrong or ([] if good else [phrase("There is no full backup {name}", name=name)])
