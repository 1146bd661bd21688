"""`drbot backup`: make backups that can be trusted, and look at the ones there are."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from drbot.cli.copied_dumps import check_dumps, show_copied_dumps
from drbot.cli.full_backup import NOT_ASKED, check_everywhere, show_full_backups, summary_of
from drbot.cli.processes import configuration_path, home_path, open_database
from drbot.cli.terminal import Config, marked, plain_console, spoken, table_of
from drbot.core.base.errors import DrbotError, PermanentError, UserError
from drbot.core.runs.plan import BackupIdentity
from drbot.core.site.backup_times import UNKNOWN
from drbot.core.site.configuration import load_configuration
from drbot.core.site.full_manifest import PREFIX
from drbot.core.site.full_manifest import SUFFIX as FULL_SUFFIX
from drbot.core.site.inventory import PAUSE_IT, copied_text, copied_while_written, unkept, unkept_text
from drbot.core.site.known_names import hidden
from drbot.core.site.proofs import WELL, ordered
from drbot.core.site.site import Configuration
from drbot.core.site.stored_backups import BackupKind, StoredBackup, newest_usable
from drbot.core.text.messages import listed, phrase
from drbot.core.text.redaction import Redactor
from drbot.core.text.words import size
from drbot.runners.backups.choose_dump import BackupRules, rows_fault
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.backup_store import SUFFIX, close_own
from drbot.runners.clients.clients import Clients, clients_of
from drbot.runners.clients.dump_store import dump_stores
from drbot.runners.clients.full_store import full_stores
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import Progress as Told
from drbot.runners.foundation.watching import never
from drbot.runners.upkeep.backup_readiness import look_at_backups, look_at_backups_of
from drbot.runners.upkeep.proving import Prover
from drbot.store.base.database import Database
from drbot.store.base.file_modes import begin_private

backup_app = typer.Typer(
    add_completion=False, help="Backups with a manifest that a recovery checks.", no_args_is_help=True
)

GOOD: str = phrase("Good.")
NOT_GOOD: str = phrase("Not good.")

SiteName = Annotated[str, typer.Option(help="Which site (default: default_site of dr.yml)")]


@backup_app.command()
def postgres(site: SiteName = "", config: Config = None) -> None:
    """Dump every database, compressed, and write the manifest: rows, sizes, digest, versions, times; also into the
    buckets of dr.yml.
    """
    configuration, clients, site = opened(config, site)
    tried = phrase("Tried to back up PostgreSQL.")
    if configuration.site(site).postgres is None:
        raise UserError(tried, phrase("This site has none in dr.yml."), phrase("All that it has: drbot backup full"))
    with refused(tried), bar(phrase("Dumping")) as show:
        manifest = back_up_postgres(configuration, site, clients=clients, progress=show)
    made = phrase(
        "{file}: {size}, rows: {rows}, tables: {tables}",
        file=clients.backups.directory / manifest.name,
        size=size(manifest.size),
        rows=sum(manifest.rows.values()),
        tables=len(manifest.rows),
    )
    console = plain_console()
    console.print(marked(made))
    if fault := rows_fault(manifest.rows):
        console.print(f"[red]{marked(NOT_GOOD)}[/] {marked(fault)}")
    for store in dump_stores(configuration):
        console.print(f"  {store.place}")


@backup_app.command()
def full(site: SiteName = "", config: Config = None) -> None:
    """Everything a lost host needs: configuration, databases, Redis, files; also into the bucket of dr.yml."""
    configuration, clients, site = opened(config, site)
    with refused(phrase("Tried to make a full backup.")), bar(phrase("Backing up")) as show:
        made, manifest = back_up_full(
            configuration, site, clients=clients, document=configuration_path(config), progress=show
        )
    console = plain_console()
    console.print(marked(summary_of(made, manifest)))
    if left_out := unkept_text(unkept(configuration.site(site), manifest.inventory)):
        console.print(
            f"[red]{marked(left_out)}[/] {marked(phrase('drbot docs configuration, Data, says how to keep it.'))}"
        )
    if copied := copied_text(copied_while_written(configuration.site(site), manifest.inventory)):
        console.print(f"[yellow]{marked(copied)}[/] {marked(PAUSE_IT)}")
    for store in full_stores(configuration):
        console.print(f"  {store.place}")


@backup_app.command("list")
def list_backups(site: SiteName = "", config: Config = None) -> None:
    """The backups there are in every place, newest first; ends with 1 where a place of full backups cannot be read."""
    configuration, clients, _ = opened(config, site)
    console = plain_console()
    columns = (phrase("name"), phrase("data as of (UTC)"), phrase("size"), phrase("rows"), phrase("manifest"))
    table = table_of(*columns, title=escape(str(clients.backups.directory)), framed=False)
    try:
        for backup in clients.backups.newest_first():
            manifest = backup.manifest
            table.add_row(
                backup.name.removesuffix(SUFFIX),
                "?" if backup.snapshot_at == UNKNOWN else f"{backup.snapshot_at:%Y-%m-%d %H:%M:%S}",
                size(backup.size),
                str(sum(manifest.rows.values())) if manifest else "?",
                f"[red]{marked(backup.fault)}[/]" if backup.fault and not manifest else yes_or_no(bool(manifest)),
            )
    except PermanentError as error:
        if not dump_stores(configuration):
            raise UserError(phrase("Tried to list the backups."), str(error)) from error
        console.print(f"[red]{marked(NOT_ASKED)}[/] {marked(str(error))}")
    console.print(table)
    show_copied_dumps(console, configuration)
    if not show_full_backups(plain_console(), configuration):
        raise typer.Exit(1)


@backup_app.command("check")
def check_backup(
    name: Annotated[str, typer.Argument(help="As `drbot backup list` shows it.")],
    site: SiteName = "",
    config: Config = None,
) -> None:
    """Read one backup from start to end; the exit code is 1 when a recovery would refuse it."""
    configuration, clients, site = opened(config, site)
    if name.startswith(PREFIX):
        with bar(phrase("Reading")) as show:
            found, wrong = check_everywhere(configuration, site, name, show)
    else:
        with bar(phrase("Reading")) as show:
            rules = BackupRules(
                system=configuration.system, site=site, server_major=None, cancelled=never, progress=show
            )  # fmt: skip
            found, wrong = check_dumps(configuration, clients.backups, rules, name)
    console = plain_console()
    for one in found:
        console.print(good(one.place if one.name in one.place else f"{one.place}/{one.name}", one))
    for sentence in wrong:
        console.print(not_good(sentence))
    raise typer.Exit(1 if wrong else 0)


@backup_app.command("prove")
def prove_backup(
    name: Annotated[
        str,
        typer.Argument(
            help="As `drbot backup list` shows it (default: the newest of each kind, and what is newer and unusable)."
        ),
    ] = "",
    site: SiteName = "",
    config: Config = None,
) -> None:
    """Restore backups of a site beside production, as its worker does by itself, and remove the copies: from every
    place, buckets too; the exit code is 1 when one did not come back.
    """
    configuration, clients, site = opened(config, site)
    console, failed = plain_console(), False
    with closing(open_database(home_path(None))) as database:
        for one in named_copies(found_at(configuration, site), name):
            with refused(phrase("Tried to prove {name}.", name=one.name)), bar(one.name) as show:
                proof = prover_of(configuration, site, clients, database, show).prove(one)
            if proof is None:
                why, todo = phrase("A run is at work on the site."), phrase("Try again when it is over.")
                raise UserError(phrase("Tried to prove {name}.", name=one.name), why, todo)
            failed |= proof.result not in WELL
            mark = "[green]✓[/]" if proof.result in WELL else "[red]✗[/]"
            console.print(f"{mark} {escape(one.name)} ({escape(one.place)}): {marked(proof.sentence)}")
    raise typer.Exit(1 if failed else 0)


def named_copies(found: Sequence[StoredBackup], name: str) -> list[StoredBackup]:
    """The copies of this backup, the one here first; without a name those of the newest of each kind, and of what is
    newer and looks unusable: people rely on it. Raises UserError for none.
    """
    wanted = {name, f"{name}{SUFFIX}", f"{name}{FULL_SUFFIX}"}
    if not name:
        wanted = {one.name for kind in BackupKind for one in _newest(found, kind)}
    copies = [one for one in ordered(found) if one.name in wanted]
    if not copies:
        why, todo = phrase("There is none."), phrase("drbot backup list shows what is there.")
        raise UserError(phrase("Looked for a backup to prove."), why, todo)
    return copies


def _newest(found: Sequence[StoredBackup], kind: BackupKind) -> Iterator[StoredBackup]:
    of_kind = [one for one in found if one.kind is kind]
    since = max((one.moment for one in newest_usable(of_kind, kind) or of_kind), default=None)
    yield from (one for one in of_kind if since is not None and one.moment >= since)


def found_at(configuration: Configuration, site: str) -> tuple[StoredBackup, ...]:
    """Its backups in every place."""
    if site == configuration.default_site:
        return look_at_backups(configuration).found
    return look_at_backups_of(site, configuration).found


def prover_of(configuration: Configuration, site: str, clients: Clients, database: Database, told: Told) -> Prover:
    return Prover(
        configuration=configuration,
        site_name=site,
        clients=clients,
        database=database,
        redact=Redactor(hidden(clients.settings.secrets, configuration)),
        stop=threading.Event(),
        progress=told,
    )


def yes_or_no(is_so: bool) -> str:
    return spoken(phrase("yes") if is_so else phrase("no"))


def good(what: str, found: BackupIdentity) -> str:
    return f"[green]{marked(GOOD)}[/] {escape(what)}: {marked(known_rows(found))}"


def not_good(why: str) -> str:
    return f"[red]{marked(NOT_GOOD)}[/] {marked(why)}"


def known_rows(found: BackupIdentity) -> str:
    """How much is in it, as far as that is known before it is restored."""
    if not found.manifest:
        return phrase("no manifest; counted when restored")
    return phrase("{rows} rows by its manifest", rows=sum(found.rows.values()))


def opened(config: Path | None, site: str) -> tuple[Configuration, Clients, str]:
    """Configuration, clients and name of the site. Raises UserError."""
    configuration = load_configuration(configuration_path(config)).configuration
    name = site or configuration.default_site
    if name not in configuration.sites:
        there = phrase("There are: {names}.", names=listed(configuration.sites))
        raise UserError(phrase('Looked for the site "{name}".', name=name), there)
    begin_private(home_path(None))
    close_own(configuration.backups.directory)
    settings = RunnerSettings.from_environment(home_path(None))
    return configuration, clients_of(configuration.site(name), configuration, settings), name


@contextmanager
def refused(tried: str) -> Iterator[None]:
    """What the worker's clients raise, told to the person at the terminal."""
    try:
        yield
    except UserError:
        raise
    except DrbotError as error:
        raise UserError(tried, str(error)) from error


@contextmanager
def bar(title: str) -> Iterator["ShowProgress"]:
    """A line with bytes and speed while it runs, gone afterwards."""
    columns = (TextColumn(spoken(title)), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=plain_console(), transient=True) as progress:
        yield ShowProgress(progress)


class ShowProgress:
    """The progress function of clients, drawn on the terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    def __call__(self, done: float, total: float | None, unit: str) -> None:
        self._progress.update(self._task, completed=done, total=total)
