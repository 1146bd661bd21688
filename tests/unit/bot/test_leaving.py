"""A bot that is asked to end does so at once."""

import time

from slack_sdk.socket_mode.builtin import SocketModeClient

from drbot.bot.connection import leave
from tests.strain import Strain


def test_the_sdk_is_not_waited_for() -> None:
    """It looks once a second whether it was closed."""
    client = SocketModeClient(app_token="xapp-1", auto_reconnect_enabled=False)

    with Strain() as strain:
        begun = time.monotonic()
        leave(client)
        took = time.monotonic() - begun

    assert took < strain.allows(0.5)
