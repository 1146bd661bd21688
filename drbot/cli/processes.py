"""`drbot bot`, `drbot worker`, `drbot all`: long-running processes that end cleanly on SIGTERM and Ctrl-C."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import structlog

from drbot.cli.terminal import sentence_of
from drbot.core.base.errors import DrbotError, PermanentError, TemporaryError, UserError
from drbot.core.base.heart import Heart
from drbot.core.ledger.policy import document_of
from drbot.core.site.configuration import Loaded, load_configuration
from drbot.core.text.messages import closed, filled, phrase, sentences
from drbot.store.base.database import Database
from drbot.store.base.doorbell import Doorbell, doorbell_of
from drbot.store.base.file_modes import begin_private
from drbot.store.base.settings import StoreSettings
from drbot.store.records.known_workers import KnownWorkers
from drbot.store.records.rosters import Rosters, settle

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    loaded: Loaded
    home: Path
    database: Database
    doorbell: Doorbell
    stop: threading.Event
    heart: Heart = field(default_factory=Heart)
    document: Path | None = None  # dr.yml itself


def configuration_path(given: Path | None) -> Path:
    """--config, else DRBOT_CONFIG, else ./dr.yml."""
    return given or Path(os.environ.get("DRBOT_CONFIG", "dr.yml"))


def home_path(given: Path | None) -> Path:
    """--home, else DRBOT_HOME, else ./.drbot: state, logs and evidence."""
    return (given or Path(os.environ.get("DRBOT_HOME", ".drbot"))).absolute()


def start_process(
    config: Path | None, home: Path | None, changed: Callable[[Loaded], Loaded] = lambda loaded: loaded
) -> Process:
    """Configuration, state and doorbell of this process. `changed`: what is made of dr.yml. Raises UserError when one
    of them cannot be had.
    """
    folder = home_path(home)
    begin_private(folder)
    loaded = changed(load_configuration(configuration_path(config)))
    database = open_database(folder, is_rehearsal=loaded.is_rehearsal)
    settle_roster(database, loaded, folder)
    return Process(
        loaded=loaded,
        home=folder,
        database=database,
        doorbell=doorbell_of(StoreSettings.from_environment(folder).redis_url),
        stop=threading.Event(),
        document=configuration_path(config).absolute(),
    )


def open_database(home: Path, *, is_rehearsal: bool = False) -> Database:
    """The state, its tables up to date; `home` is made where it is missing. Raises UserError, also for the state of a
    rehearsal: nothing else may take up what is voted there.
    """
    tried, rehearsal = phrase("Opening drbot's own state."), home / "rehearsal"
    if rehearsal.exists() and not is_rehearsal:
        why = phrase("{home} is of `drbot slack`, which alone may go on there.", home=home)
        raise UserError(tried, why, phrase("Name another folder with --home or DRBOT_HOME."))
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if is_rehearsal:
            rehearsal.touch()
        database = Database(StoreSettings.from_environment(home).database_url)
        database.migrate()
    except OSError as error:
        why, todo = (
            phrase("{place}: {why}.", place=home, why=error.strerror),
            phrase("Name another folder with --home or DRBOT_HOME."),
        )
        raise UserError(tried, why, todo) from error
    except TemporaryError as error:
        raise UserError(tried, closed(str(error)), filled(ADVICE[error.kind], home=home)) from error
    except PermanentError as error:
        todo = phrase("Bring back a copy: drbot bootstrap, or another --home.")
        raise UserError(tried, closed(str(error)), todo) from error
    return database


ADVICE: Mapping[str, str] = {
    "busy": phrase("Another program holds it: end that one, then start again."),
    "full": phrase("Make room on the disk of {home}, then start again."),
    "denied": phrase("May this user write to {home}?"),
    "network": phrase("Is it running, and is DATABASE_URL right?"),
}
"""What to do about a state that cannot be opened, by the error's kind."""


def settle_roster(database: Database, loaded: Loaded, home: Path | None = None) -> None:
    """The first start accepts the roster of dr.yml; later ones only propose what has changed. The workers' keys that
    are published at the first start on this host are believed here from then on.
    A broken file proposes nothing: what it says is not known. Raises UserError while the state cannot be written.
    """
    if loaded.faults:
        return
    configuration = loaded.configuration
    rosters = Rosters(loaded.roster, configuration.approvals, configuration.default_site, KnownWorkers(home))
    try:
        with database.write() as tx:
            settle(tx, rosters, document_of(loaded.configuration), "terminal")
            rosters.workers.learn(tx, loaded.configuration.sites)
    except TemporaryError as error:
        why = sentences(closed(str(error)), phrase("Until then nobody's vote counts."))
        todo = phrase("Start again once the state can be written.")
        raise UserError(phrase("Noting whose votes count."), why, todo) from error


def end_on_signals(stop: threading.Event) -> None:
    """SIGTERM and Ctrl-C set `stop`; a second Ctrl-C ends at once."""

    def ask(number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        log.info("Ending: the running step is finished first.", signal=signal.Signals(number).name)
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def run_together(parts: Mapping[str, Callable[[], None]], stop: threading.Event) -> int:
    """Runs the parts side by side until `stop`; if one fails, the others are ended too. The exit code."""
    failed = threading.Event()

    def guarded(name: str, part: Callable[[], None]) -> None:
        try:
            part()
        except (DrbotError, OSError) as error:
            if (said := sentence_of(error)) is None:
                log.exception("A part of drbot failed.", part=name)
            else:
                log.error(said, part=name)
            failed.set()
        except Exception:
            log.exception("A part of drbot failed.", part=name)
            failed.set()
        finally:
            stop.set()

    threads = [
        threading.Thread(target=guarded, args=(name, part), name=name, daemon=True) for name, part in parts.items()
    ]
    for thread in threads:
        thread.start()
    while not stop.wait(0.5):
        pass
    for thread in threads:
        thread.join(timeout=30)
    return 1 if failed.is_set() else 0


def leave(code: int) -> NoReturn:
    """End here, as threads in the background may still work: where Python takes itself apart around them it is killed
    by a signal (a thread that is ended inside a library's Rust aborts the process), and the exit code is lost.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
