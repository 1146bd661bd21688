"""Copies of PostgreSQL's dumps in the buckets of dr.yml, in `drbot backup list` and `check`."""

from rich.console import Console

from drbot.cli.full_backup import NOT_ASKED
from drbot.cli.terminal import marked, table_of
from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.core.text.words import size
from drbot.runners.backups.choose_dump import BackupRules, candidates, check, judged
from drbot.runners.backups.in_places import backups_in
from drbot.runners.clients.backup_store import SUFFIX, Backup, BackupStore
from drbot.runners.clients.dump_store import dump_stores
from drbot.runners.foundation.watching import never


def show_copied_dumps(console: Console, configuration: Configuration) -> None:
    """A table of those in every bucket, newest first, and the buckets that do not answer."""
    there = backups_in(dump_stores(configuration), never)
    columns = (phrase("name"), phrase("data as of (UTC)"), phrase("holds"), phrase("where"))
    table = table_of(*columns, title=phrase("PostgreSQL, copies"), framed=False)
    for dump in sorted(there.backups, key=lambda one: (one.snapshot_at, one.name), reverse=True):
        moment, where = f"{dump.snapshot_at:%Y-%m-%d %H:%M:%S}", dump.store.place
        table.add_row(dump.name.removesuffix(SUFFIX), moment, size(dump.snapshot.size), where)
    if there.backups:
        console.print(table)
    for sentence in there.silent:
        console.print(f"[red]{marked(NOT_ASKED)}[/] {marked(sentence)}")


def check_dumps(
    configuration: Configuration, folder: BackupStore, rules: BackupRules, name: str
) -> tuple[list[BackupIdentity], list[str]]:
    """Read it from start to end in every place that has it: the good ones, and what is wrong with the others."""
    good: list[BackupIdentity] = []
    try:
        found = candidates(folder, dump_stores(configuration), name, rules)
    except PermanentError as error:
        return [], [str(error)]
    wrong = [] if found.backups else list(found.silent)
    for backup in found.backups:
        try:
            if isinstance(backup, Backup):
                good.append(check(backup, rules))
            else:
                identity = judged(backup, rules)
                backup.store.require_whole(backup, identity.sha256, rules.progress, rules.cancelled)
                good.append(identity)
        except (PermanentError, TemporaryError) as error:
            wrong.append(str(error))
    return good, wrong
