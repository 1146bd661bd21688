"""Builds the worker of one site from configuration, state and environment, and runs it until it is told to stop."""

import os
import socket
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from drbot.core.base.errors import UserError
from drbot.core.base.heart import Heart
from drbot.core.site.known_names import guessable, hidden
from drbot.core.site.people import Roster
from drbot.core.site.site import Configuration
from drbot.core.text.messages import listed, phrase
from drbot.core.text.redaction import Redactor
from drbot.runners.actions.registry import REGISTRY
from drbot.runners.actions.site_target import target_of
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.foundation.own_record import OwnRecord
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.timing import Timing
from drbot.runners.own_state.ledger_anchor import anchor_ledger
from drbot.runners.own_state.state_copies import Signer, keep_copies
from drbot.runners.own_state.state_readiness import state_line
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.drill_keeper import Keeper
from drbot.runners.upkeep.drill_run import Hands
from drbot.runners.upkeep.following import keep_following
from drbot.runners.upkeep.proving import keep_proving
from drbot.runners.upkeep.readiness_keeper import keep_looking
from drbot.runners.upkeep.routines import keep_doing
from drbot.runners.upkeep.scheduled_backups import scheduled_backups
from drbot.runners.upkeep.scheduled_drills import scheduled_drills
from drbot.runners.worker import Worker, owner_name
from drbot.store.base.database import Database
from drbot.store.base.doorbell import Doorbell, doorbell_of
from drbot.store.records.rosters import Rosters

log = structlog.get_logger(__name__)

ENDS_WITHIN_SECONDS = 10.0


def run_worker(
    configuration: Configuration,
    database: Database,
    doorbell: Doorbell,
    site: str,
    home: Path,
    stop: threading.Event,
    *,
    heart: Heart,
    roster: Roster,
    document: Path | None,
) -> None:
    """Serves `site` (empty = the default site) until `stop` is set. `roster`: with the faults of dr.yml, if there are
    any, because then no gate may open. `document`: dr.yml, copied with the state; none = nothing is copied. Raises
    UserError for a site that is unknown.
    """
    name = site or configuration.default_site
    if name not in configuration.sites:
        raise UserError(
            phrase('Starting a worker for the site "{name}".', name=name),
            phrase("dr.yml does not know it."),
            phrase("Sites are: {names}.", names=listed(configuration.sites)),
        )
    worker_context = worker_context_of(configuration, database, doorbell, name, home, roster)
    key = worker_context.key
    if configuration.object_store is not None and document is not None:
        bucket = ObjectStoreClient(configuration.object_store)
        anchor_ledger(database, bucket, key, stop)
        signer = Signer(owner=f"{worker_context.owner}/{name}", site=name, key=key)
        keep_copies(database, bucket, configuration, document, signer, stop)
    looking = (worker_context, stop, partial(state_line, configuration, database))
    threading.Thread(target=keep_looking, args=looking, name="readiness", daemon=True).start()
    threading.Thread(target=keep_proving, args=(worker_context, stop), name="proofs", daemon=True).start()
    keep_following(worker_context, stop)
    if name == configuration.default_site:
        keeper = Keeper(worker_context=worker_context, hands=HANDS, stop=stop)
        threading.Thread(target=keeper.run, name="drills", daemon=True).start()
    works = (*scheduled_backups(worker_context, document), *scheduled_drills(worker_context))
    doing = keep_doing(worker_context, works, stop)
    Worker(worker_context, doorbell, stop).serve(heart)
    for thread in doing:  # what is half made is taken away again
        thread.join(ENDS_WITHIN_SECONDS)


def worker_context_of(
    configuration: Configuration, database: Database, doorbell: Doorbell, name: str, home: Path, roster: Roster
) -> WorkerContext:
    settings = RunnerSettings.from_environment(home)
    key = TotpSecrets(home).key()
    given = replace(roster, worker_key=key.public)
    return WorkerContext(
        configuration=configuration,
        database=database,
        site_name=name,
        home=home,
        own=OwnRecord(home),
        registry=REGISTRY,
        target=target_of(name, configuration, settings),
        roster=given,
        key=key,
        rosters=Rosters(given, configuration.approvals),
        redact=Redactor((*_hidden(settings, configuration), key.text)),
        timing=Timing(),
        owner=owner_name(socket.gethostname(), os.getpid()),
        ring=lambda run_id: doorbell.ring(name, run_id),
    )


def _hidden(settings: RunnerSettings, configuration: Configuration) -> tuple[str, ...]:
    if count := guessable(settings.secrets, configuration):
        log.warning("Secrets that are a part of a name in dr.yml are not masked. Choose longer ones.", count=count)
    return hidden(settings.secrets, configuration)


def serve_drill(worker_context: WorkerContext, stop: threading.Event) -> None:
    """The worker of a drill, with a doorbell of its own: nobody else rings there."""
    doorbell = doorbell_of(None)
    try:
        Worker(replace(worker_context, ring=partial(doorbell.ring, worker_context.site_name)), doorbell, stop).serve(
            Heart()
        )
    finally:
        doorbell.stop()


HANDS = Hands(serve=serve_drill, target_of=target_of)
