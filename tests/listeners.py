"""An application of drbot's behind its real listener, on a port of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from starlette.applications import Starlette

from drbot.listening.listener import open_listener
from tests.waiting import PATIENCE, wait_for


@contextmanager
def listening(application: Starlette) -> Iterator[httpx.Client]:
    """A client of it, once it answers."""
    stop, listener = threading.Event(), open_listener("0", "--port", "a test")
    port = listener.bound.getsockname()[1]
    thread = threading.Thread(target=listener.serve, args=(application, stop))
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, trust_env=False) as client:
            wait_for(lambda: answers(client), PATIENCE, "the listener")
            yield client
    finally:
        stop.set()
        thread.join(PATIENCE)


def answers(client: httpx.Client) -> bool:
    """Whatever it says."""
    try:
        client.get("/")
    except httpx.TransportError:
        return False
    return True
