"""`drbot bootstrap s3://bucket/prefix/`: drbot's own state, back on a bare machine."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError
from rich.markup import escape

from drbot.cli.processes import configuration_path, home_path
from drbot.cli.terminal import marked, plain_console
from drbot.core.base.errors import DrbotError, TemporaryError, UserError
from drbot.core.base.signing import is_public
from drbot.core.base.yaml_file import problems_of
from drbot.core.ledger.statements import Head, head_in
from drbot.core.site.site import ObjectStore
from drbot.core.text.messages import closed, listed, phrase, sentences
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.own_state.bootstrap import among, bring_back, files_of, vouched_copy
from drbot.runners.own_state.vouched_copy import TRIED, Vouched
from drbot.runners.own_state.witnesses import Roots
from drbot.runners.second_factor.totp_secrets import key_in
from drbot.store.base.database import Database
from drbot.store.base.file_modes import begin_private
from drbot.store.base.settings import StoreSettings


def bootstrap(
    place: Annotated[str, typer.Argument(metavar="S3-URL", help="s3://bucket/prefix/, as `object_store` of dr.yml")],
    home: Annotated[Path | None, typer.Option(help="Where the state goes (default: DRBOT_HOME, else ./.drbot)")] = None,
    config: Annotated[
        Path | None, typer.Option(help="Where dr.yml goes (default: DRBOT_CONFIG, else ./dr.yml)")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="URL of the store, where it is not Amazon's")] = None,
    region: Annotated[str, typer.Option(help="Of the bucket")] = "us-east-1",
    ledger: Annotated[str, typer.Option(help="Which one, where the bucket has several")] = "",
    head: Annotated[
        str, typer.Option(metavar="N:HASH", help="The newest `Ledger N:HASH` of a channel, mail or notes")
    ] = "",
    worker_key: Annotated[
        list[str] | None, typer.Option(help="A worker's public key, as `drbot dr key worker` shows it")
    ] = None,
    believe: Annotated[
        str, typer.Option(metavar="N:HASH", help="Take the copy that ends so, although nothing vouches for it")
    ] = "",
) -> None:
    """Bring drbot back after its own host was lost: ledger, open incidents, dr.yml, runbooks. AWS_* are the keys.

    Only a copy is taken that a head or a worker's key vouches for; the key is also found in <home>/worker.
    """
    folder, target = home_path(home), configuration_path(config).absolute()
    begin_private(folder)
    roots = Roots(
        keys=keys_of(folder, worker_key or []),
        head=head_given(head, "--head"),
        believed=head_given(believe, "--believe"),
    )
    with told():
        copy = vouched_copy(ObjectStoreClient(store_at(place, endpoint, region)), roots, ledger)
        files = files_of(copy, target)
        with closing(Database(StoreSettings.from_environment(folder).database_url)) as database:
            incidents = bring_back(copy, files, database, folder, believed=roots.believed is not None)
    show(copy, files, incidents, roots)


def show(copy: Vouched, files: Iterable[Path], incidents: Sequence[str], roots: Roots) -> None:
    console, one = plain_console(), copy.candidate
    if copy.passed_over:
        console.print(f"[yellow]![/] {marked(among(copy.passed_over))}")
    made_at = f"{one.made_at:%Y-%m-%d %H:%M:%S} UTC"
    taken = phrase("{count} records from {place}, of {made_at}", count=one.head.seq, place=one.place, made_at=made_at)
    console.print(f"[green]✓[/] {marked(taken)}")
    for mark, sentence in _vouched(copy, roots):
        console.print(f"{mark} {marked(sentence)}")
    for path in files:
        console.print(f"[green]✓[/] {escape(str(path))}")
    names = listed(incidents) if incidents else phrase("none")
    still_open = phrase("Open incidents: {names}.", names=names)
    console.print(marked(sentences(still_open, phrase("Now start: drbot all"))))
    found = phrase("A run that was in progress is found by its lease within seconds; nothing is repeated by itself.")
    console.print(marked(found))


def _vouched(copy: Vouched, roots: Roots) -> Iterator[tuple[str, str]]:
    """What shows that the copy is drbot's own and the newest, or that nothing does; with its mark."""
    one = copy.candidate
    if roots.believed is not None:
        yield (
            "[yellow]![/]",
            phrase("Accepted on your word: nothing shows that it is the newest, or that all of it is drbot's own."),
        )
        if copy.forgotten > one.head.seq:
            lost = phrase("drbot had signed records up to {number}: what they said is lost.", number=copy.forgotten)
            yield "[yellow]![/]", lost
        return
    signed = phrase("Ledger, tables and files are as drbot signed them.")
    yield "[green]✓[/]", sentences(signed, phrase("Head {head}", head=one.head))
    if roots.head is not None and one.head.seq > roots.head.seq:
        until = roots.head.seq
        yield (
            " ",
            phrase("Your head shows only that nothing up to record {number} is missing.", number=until),
        )


def keys_of(home: Path, given: Sequence[str]) -> frozenset[str]:
    """The public keys that a person has: given here, and of the worker whose folder was put back. Raises UserError."""
    for key in given:
        if not is_public(key):
            raise UserError(
                TRIED,
                phrase("{key} is not a worker's public key.", key=key),
                phrase("It begins with drbot1: and has one line."),
            )
    path = home / "worker" / "key"
    return frozenset([*given, key_in(path).public] if path.exists() else given)


def head_given(written: str, option: str) -> Head | None:
    """Raises UserError."""
    try:
        return head_in(written) if written else None
    except ValueError as error:
        why = phrase("{option} {written}: {why}.", option=option, written=written, why=error)
        raise UserError(TRIED, why, phrase("Copy the whole `Ledger N:…` line.")) from error


@contextmanager
def told() -> Iterator[None]:
    """Every error as a sentence with what to do. Raises UserError."""
    try:
        yield
    except UserError:
        raise
    except TemporaryError as error:
        raise UserError(TRIED, closed(str(error)), phrase("Nothing was changed: try again.")) from error
    except DrbotError as error:
        todo = phrase("Nothing was changed. Are bucket, prefix and AWS_* right?")
        raise UserError(TRIED, closed(str(error)), todo) from error


def store_at(place: str, endpoint: str | None, region: str) -> ObjectStore:
    """The bucket behind the URL. Raises UserError."""
    parts = urlsplit(place)
    if parts.scheme != "s3" or not parts.netloc:
        why = phrase("{place} is not an S3 URL.", place=place)
        raise UserError(TRIED, why, phrase("Write it as s3://bucket/prefix/"))
    try:
        return ObjectStore(bucket=parts.netloc, prefix=parts.path.removeprefix("/"), endpoint=endpoint, region=region)
    except ValidationError as error:
        raise UserError(TRIED, sentences(*(one.sentence for one in problems_of(ObjectStore, error)))) from error
