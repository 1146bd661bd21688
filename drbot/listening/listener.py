"""A web server of one process: at its own address, until the process ends, and never left waiting by a slow sender."""

import logging
import socket
import threading
from dataclasses import dataclass

import structlog
import uvicorn
from starlette.applications import Starlette

from drbot.core.base.errors import PermanentError, UserError
from drbot.core.text.messages import phrase
from drbot.listening.short_connection import ShortConnection

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """A port that this process has already. `name`: who is expected there, for people."""

    bound: socket.socket
    name: str

    def serve(self, application: Starlette, stop: threading.Event) -> None:
        """Until `stop`. Raises PermanentError when the server ends by itself."""
        server = uvicorn.Server(_quiet(application))
        with self.bound as bound:
            place = "{}:{}".format(*bound.getsockname()[:2])
            thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name=self.name, daemon=True)
            thread.start()
            log.info("Listening by HTTP.", to=self.name, url=f"http://{place}")
            while not stop.wait(LOOK_SECONDS) and thread.is_alive():
                pass
            ended_by_itself = not stop.is_set()
            server.should_exit = True
            thread.join(timeout=15)
        if ended_by_itself:
            raise PermanentError(
                phrase("The listener for {name} at {place} stopped by itself", name=self.name, place=place)
            )


def open_listener(text: str, option: str, name: str) -> Listener:
    """At `8080` or `0.0.0.0:8080`, as the option of the command line says. The port is taken at once, so that one that
    cannot be had is told before anything else runs. Raises UserError.
    """
    host, port = address_of(text, option)
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen()  # two may be bound to one port, and only one listens there
    except (OSError, UnicodeError) as error:  # the latter: a name that no host can have
        bound.close()
        raise UserError(
            phrase("Tried to listen for {name}.", name=name),
            phrase("{place}: {why}.", place=f"{host}:{port}", why=getattr(error, "strerror", None) or str(error)),
            phrase("Choose another port with {option}.", option=option),
        ) from error
    return Listener(bound=bound, name=name)


def address_of(text: str, option: str) -> tuple[str, int]:
    """`8080` or `0.0.0.0:8080`. Raises UserError."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65_535:
        raise UserError(
            phrase("You gave {option}.", option=option),
            phrase('"{text}" is not a port.', text=text),
            phrase("Write {option} 8080, or {option} 0.0.0.0:8080.", option=option),
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def _quiet(application: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=ShortConnection,
        ws="none",
        headers=[("Connection", "close")],
        log_level=logging.WARNING,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
