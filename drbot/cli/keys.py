"""`drbot dr key …`: a person's own key, codes for the phone, and what is locked or lost on the worker's host."""

import base64
import json
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from drbot.cli.processes import configuration_path, home_path, open_database
from drbot.cli.terminal import Config, Home, plain_console, spoken
from drbot.core.base.errors import UserError
from drbot.core.base.signing import KeyPair, fingerprint, is_public
from drbot.core.ledger.attestation import phone_statement
from drbot.core.ledger.events import EventKind
from drbot.core.site.configuration import load_configuration
from drbot.core.text.messages import closed, filled, listed, phrase
from drbot.runners.second_factor.totp_secrets import TotpSecrets, key_in
from drbot.store.records.known_workers import KnownWorkers

key_app = typer.Typer(
    help=spoken(phrase("Your own key, codes for the phone, and the codes of others on the worker's host"))
)

File = Annotated[Path | None, typer.Option("--key", help="Your key (default: DRBOT_KEY, else ~/.drbot-key)")]
Who = Annotated[str, typer.Argument(help="A person of dr.yml")]


RESET: Mapping[str, str] = {"unlocked": phrase("unlocked"), "forgotten": phrase("forgotten")}
RESETTING: Mapping[str, str] = {
    "unlocked": phrase("You asked to unlock the codes of {person}."),
    "forgotten": phrase("You asked to forget the authenticator of {person}."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnKey:
    pair: KeyPair
    person: str
    workers: Mapping[str, str]  # site → its worker's public key, as of the day the key was made


def key_path(given: Path | None) -> Path:
    """--key, else DRBOT_KEY, else ~/.drbot-key."""
    return given or Path(os.environ.get("DRBOT_KEY") or Path.home() / ".drbot-key")


def read_key(path: Path) -> OwnKey:
    """The key in a file. Raises UserError."""
    try:
        written = json.loads(path.read_text())
        pair = KeyPair(base64.b64decode(written["seed"], validate=True))
        return OwnKey(pair=pair, person=str(written["person"]), workers=dict(written["workers"]))
    except OSError as error:
        raise _unread(path, closed(error.strerror or str(error))) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _unread(path, phrase("It is no key file.")) from error


def _unread(path: Path, why: str) -> UserError:
    return UserError(phrase("Reading your key {path}.", path=path), why, phrase("`drbot dr key new` makes one."))


@key_app.command()
def new(person: Who, key: File = None, config: Config = None, home: Home = None) -> None:
    """Make your own key; its public part goes into dr.yml, and counts a day after two approvers accepted it."""
    path = key_path(key)
    pair = KeyPair.new()
    written = {"person": person, "workers": _workers(config, home), "seed": base64.b64encode(pair.seed).decode()}
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(written, file)
    except OSError as error:
        todo = phrase("Name another file with --key.")
        raise UserError(phrase("Writing {path}.", path=path), closed(error.strerror or str(error)), todo) from error
    kept = phrase(
        "Your key is in {path}; keep it to yourself. Below people, {person} in dr.yml:", path=path, person=person
    )
    _say(kept)
    _say(f"  key: {pair.public}")


@key_app.command()
def code(
    request: Annotated[str, typer.Argument(help="The request, as the operator reads it to you")],
    seal: Annotated[str, typer.Argument(help="The seal of the plan that you agreed on, e.g. 7K3F-Q2MD")],
    decision: Annotated[str, typer.Argument(help="approve or deny")],
    worker: Annotated[str, typer.Option(help="The worker's public key, if your key file has none")] = "",
    site: Annotated[str, typer.Option(help="Whose worker")] = "production",
    key: File = None,
) -> None:
    """The code to read over the phone. Needs no network: it is bound to this request, this seal and this decision."""
    if decision not in ("approve", "deny"):
        raise UserError(
            phrase('You decided "{decision}".', decision=decision),
            phrase("That is neither approve nor deny."),
            phrase("Use approve or deny."),
        )
    own = read_key(key_path(key))
    public = worker or own.workers.get(site, "")
    if not is_public(public):
        raise UserError(
            phrase("Making a code."),
            phrase("The key of the worker of {site} is not known here.", site=site),
            phrase("Give it: --worker KEY"),
        )
    said = phone_statement(person=own.person, request=request, short_seal=seal.strip().upper(), decision=decision)
    _say(phrase("Read this to the operator: {code}", code=own.pair.phone_code(public, said)))


@key_app.command()
def show(key: File = None) -> None:
    """The public part of your key."""
    own = read_key(key_path(key))
    _say(f"{own.person}: {own.pair.public} ({fingerprint(own.pair.public)})")


@key_app.command()
def worker(config: Config = None, home: Home = None) -> None:
    """The public keys of the workers, for `key code --worker`; on a worker's host that worker's own."""
    if (own := home_path(home) / "worker" / "key").exists():
        public = key_in(own).public
        _say(phrase("This host's worker: {key} ({short})", key=public, short=fingerprint(public)))
        return
    for site, public in _workers(config, home).items():
        _say(f"{site}: {public} ({fingerprint(public)})")


@key_app.command()
def believe(
    site: Annotated[str, typer.Argument(help="Whose worker")],
    key: Annotated[str, typer.Argument(help="Its public key, as `drbot dr key worker` says on the worker's host")],
    config: Config = None,
    home: Home = None,
) -> None:
    """On the host of a bot or a terminal: the worker of this site has another key than before."""
    sites = load_configuration(configuration_path(config)).configuration.sites
    if site not in sites or not is_public(key):
        raise UserError(
            phrase("Believing another key of a worker."),
            phrase("That is no site of dr.yml, or not the public part of a key."),
            phrase("On the worker's host, drbot dr key worker shows its key. Sites are: {names}.", names=listed(sites)),
        )
    with closing(open_database(home_path(home))) as database, database.write() as tx:
        KnownWorkers(home_path(home)).believe(tx, site, key)
    _say(phrase("From now on {key} is the key of {site}'s worker on this host.", key=fingerprint(key), site=site))


@key_app.command()
def unlock(person: Who, config: Config = None, home: Home = None) -> None:
    """On the worker's host: codes of this person are taken again after five wrong ones."""
    _change(person, config, home, "unlocked")


@key_app.command()
def forget(person: Who, config: Config = None, home: Home = None) -> None:
    """On the worker's host: forget this person's authenticator, so that a new one can be enrolled."""
    _change(person, config, home, "forgotten")


def _change(person: str, config: Path | None, home: Path | None, what: str) -> None:
    """Ledger first: what was done to whom is recorded before it is done."""
    totp_secrets = TotpSecrets(home_path(home))
    entry = totp_secrets.entry(person)
    if entry is None:
        raise UserError(
            filled(RESETTING[what], person=person),
            phrase("This host's worker has no authenticator enrolled for them."),
            phrase("Is it the right --home?"),
        )
    site = load_configuration(configuration_path(config)).configuration.default_site
    with closing(open_database(home_path(home))) as database, database.write() as tx:
        tx.record(EventKind.FACTOR_RESET, person=person, site=site, what=RESET[what])
    totp_secrets.keep(person, entry.unlocked() if what == "unlocked" else None)
    _say(phrase("{person}: {what}.", person=person, what=RESET[what]))


def _workers(config: Path | None, home: Path | None) -> dict[str, str]:
    """As far as the database is reachable; on an approver's own machine it is not."""
    if not configuration_path(config).exists():
        return {}
    sites = load_configuration(configuration_path(config)).configuration.sites
    known = KnownWorkers(home_path(home))
    with closing(open_database(home_path(home))) as database, database.read() as connection:
        found = {site: known.key(connection, site) for site in sites}
    return {site: public for site, public in found.items() if public}


def _say(sentence: str) -> None:
    plain_console().print(spoken(sentence), markup=False)
