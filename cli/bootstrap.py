"""`drbot bootstrap s3://bucket/prefix/`: drbot's own state, back on a bare machine."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from cli.processes import configuration_path, home_path
from cli.terminal import plain_console
from core.errors import DrbotError, UserError
from core.site import ObjectStore
from runners.bootstrap import TRIED, Source, bring_back
from runners.clients.object_store import ObjectStoreClient
from store.database import Database
from store.file_modes import begin_private
from store.settings import StoreSettings


def bootstrap(
    place: Annotated[str, typer.Argument(metavar="S3-URL", help="s3://bucket/prefix/, as `object_store` of dr.yml")],
    home: Annotated[Path | None, typer.Option(help="Where the state goes (default: DRBOT_HOME, else ./.drbot)")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Where dr.yml goes (default: DRBOT_CONFIG, else ./dr.yml)")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="URL of the store, where it is not Amazon's")] = None,
    region: Annotated[str, typer.Option(help="Of the bucket")] = "us-east-1",
    ledger: Annotated[str, typer.Option(help="Which one, where the bucket has several")] = "",
    accept_older: Annotated[
        bool, typer.Option("--accept-older", help="Go on although a newer head of the ledger is known")
    ] = False,
) -> None:
    """Bring drbot back after its own host was lost: ledger, open incidents, dr.yml, runbooks. AWS_* are the keys."""
    folder, target = home_path(home), configuration_path(config).absolute()
    begin_private(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = Source(
        bucket=ObjectStoreClient(store_at(place, endpoint, region)), ledger=ledger, accept_older=accept_older
    )
    database = Database(StoreSettings.from_environment(folder).database_url)
    try:
        found = bring_back(source, database, target, folder)
    except UserError:
        raise
    except DrbotError as error:
        raise UserError(TRIED, str(error)) from error
    finally:
        database.close()
    console = plain_console()
    console.print(
        f"[green]✓[/] {found.record} records from {escape(found.place)}, copied {found.at:%Y-%m-%d %H:%M:%S} UTC"
    )
    console.print(f"[green]✓[/] The ledger is whole. Head {found.head}")
    for path in found.files:
        console.print(f"[green]✓[/] {escape(str(path))}")
    console.print(f"Open incidents: {', '.join(found.incidents) or 'none'}. Now start: drbot all")
    console.print("A run that was at work is found by its lease within seconds; nothing is repeated by itself.")


def store_at(place: str, endpoint: str | None, region: str) -> ObjectStore:
    """The bucket behind the URL. Raises UserError."""
    parts = urlsplit(place)
    if parts.scheme != "s3" or not parts.netloc:
        raise UserError(TRIED, f"{place} is no S3 URL.", "Write it as s3://bucket/prefix/")
    return ObjectStore(bucket=parts.netloc, prefix=parts.path.removeprefix("/"), endpoint=endpoint, region=region)
