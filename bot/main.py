"""`drbot bot`: the listeners, the publisher and the ticker, in one process until it is asked to stop."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler

from drbot.bot.app import build_app, quiet
from drbot.bot.connection import PING_SECONDS, keep_connected, leave
from drbot.bot.http_mode import RequestGuard, application
from drbot.bot.listeners.accounts import Accounts
from drbot.bot.listeners.responder import Responder
from drbot.bot.listeners.voters import EVERY_SECONDS as VOTERS_SECONDS
from drbot.bot.listeners.voters import look_at_voters
from drbot.bot.outbound.alert_posts import AlertPosts
from drbot.bot.outbound.drill_notices import DrillNotices
from drbot.bot.outbound.messenger import Messenger
from drbot.bot.outbound.publisher import Publisher
from drbot.bot.outbound.publisher_context import PublisherContext
from drbot.bot.outbound.pulse import Pulse
from drbot.bot.outbound.readiness_posts import ReadinessPosts
from drbot.bot.scheduled import slack_readiness
from drbot.bot.scheduled.ticker import Ticker
from drbot.bot.settings import BotSettings, Pace
from drbot.bot.slack_api.rate_limiter import RateLimiter
from drbot.bot.slack_api.signed_values import signed_values_of
from drbot.bot.slack_api.slack import Slack, client_of
from drbot.commands.facts.context import CommandContext, context_of
from drbot.core.base.heart import Heart
from drbot.core.base.repeating import repeat
from drbot.core.site.configuration import Loaded
from drbot.core.site.readiness import EVERY_SECONDS
from drbot.listening.listener import Listener, open_listener
from drbot.store.base.database import Database
from drbot.store.base.doorbell import Doorbell
from drbot.store.records.known_workers import KnownWorkers

ONCE_STARTED_SECONDS = 60.0  # connecting, and showing what is open, come first
LISTENER_THREADS = 24  # they wait for Slack most of the time


class Process(Protocol):
    """What a process of drbot is built from (cli/processes.py)."""

    @property
    def loaded(self) -> Loaded: ...
    @property
    def home(self) -> Path: ...
    @property
    def database(self) -> Database: ...
    @property
    def doorbell(self) -> Doorbell: ...
    @property
    def stop(self) -> threading.Event: ...
    @property
    def heart(self) -> Heart: ...


def bot_of(process: Process, settings: BotSettings, scopes: frozenset[str] = frozenset()) -> Callable[[], None]:
    """What serves Slack; in HTTP mode it has its port already. Raises UserError when that cannot be had. `scopes`: what
    manifest.yml asks for.
    """
    listener = open_listener(settings.http, "--http", "Slack") if settings.http else None
    return lambda: _run(process, settings, listener, scopes)


def _run(process: Process, settings: BotSettings, listener: Listener | None, scopes: frozenset[str]) -> None:
    """Serve Slack until `process.stop` is set. Raises what ended a part of it: a bot that listens and shows nothing is
    worse than none.
    """
    context = context_of(process.database, process.doorbell, process.loaded, KnownWorkers(process.home))
    messenger = Messenger(Slack(client_of(settings), RateLimiter(post_seconds=settings.pace.post)), process.database)
    parts = {
        "publisher": lambda: _publish(context, messenger, process, settings.pace),
        "alerts": lambda: AlertPosts(context, messenger, owner()).run(process.stop, process.heart),
        "readiness": lambda: repeat(
            lambda: slack_readiness.look(context, settings, scopes),
            EVERY_SECONDS,
            process.stop,
            "readiness of Slack",
            begin=ONCE_STARTED_SECONDS,
        ),
        "readiness posts": lambda: ReadinessPosts(context, messenger, owner()).run(process.stop),
        "drill notices": lambda: DrillNotices(context, messenger, owner()).run(process.stop),
        "ticker": lambda: Ticker(context).run(process.stop, process.heart),
        "voters": lambda: repeat(
            partial(look_at_voters, context, Accounts(client_of(settings), context.configuration.channels.home)),
            VOTERS_SECONDS,
            process.stop,
            "accounts of voters",
        ),
    }
    failed: list[Exception] = []

    def guarded(part: Callable[[], None]) -> None:
        try:
            part()
        except Exception as error:  # noqa: BLE001 - raised below, in the thread of the caller
            failed.append(error)
        finally:
            process.stop.set()

    threads = [threading.Thread(target=guarded, args=(part,), name=name, daemon=True) for name, part in parts.items()]
    for thread in threads:
        thread.start()
    _listen(context, settings, listener, process.stop)
    for thread in threads:
        thread.join(timeout=15)
    if failed:
        raise failed[0]


def owner() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"


def _publish(context: CommandContext, messenger: Messenger, process: Process, pace: Pace) -> None:
    publisher_context = PublisherContext(context=context, messenger=messenger, home=process.home, pace=pace)
    Publisher(publisher_context, owner(), time.monotonic).run(process.stop, process.heart)


def _listen(context: CommandContext, settings: BotSettings, listener: Listener | None, stop: threading.Event) -> None:
    client = client_of(settings)
    with ThreadPoolExecutor(LISTENER_THREADS, thread_name_prefix="listener") as pool:
        signed_values = signed_values_of(context.database)
        responder = Responder(
            context=context,
            client=client,
            accounts=Accounts(client, context.configuration.channels.home),
            signed_values=signed_values,
            pool=pool,
        )
        if listener is not None:
            guard = RequestGuard(settings.signing_secret, context.database, context.configuration.language)
            listener.serve(application(build_app(responder, client, settings.signing_secret), guard), stop)
        else:
            _by_socket(build_app(responder, client), settings, responder, stop)


def _by_socket(app: App, settings: BotSettings, responder: Responder, stop: threading.Event) -> None:
    """The connection is made again as long as it takes."""
    handler = SocketModeHandler(
        app,
        settings.app_token,
        logger=quiet(logging.getLogger("slack_sdk.socket_mode")),
        ping_interval=PING_SECONDS,
        auto_reconnect_enabled=False,
    )
    handler.client.proxy = responder.client.proxy  # without one, the SDK would take the environment's
    configuration = responder.context.configuration
    messenger = Messenger(Slack(responder.client, RateLimiter()), responder.context.database)
    pulse = Pulse(messenger, configuration.channels.home, configuration.language, responder.pool)
    keep_connected(handler.client, pulse.beat, stop)
    leave(handler.client)
