"""The Bolt app: one App, its listeners, nothing that needs Slack to be there."""

import logging

from slack_bolt import App
from slack_sdk import WebClient

from drbot.bot.listeners.responder import Responder
from drbot.bot.listeners.routes import register


def build_app(responder: Responder, client: WebClient, signing_secret: str = "") -> App:
    """Bolt with the routing table. The token is not verified now: the bot starts while Slack is down.

    `signing_secret`: of HTTP mode; every body is checked with it.
    """
    app = App(
        client=client,
        token=client.token,
        signing_secret=signing_secret or None,
        token_verification_enabled=False,
        ssl_check_enabled=False,
        logger=quiet(logging.getLogger("slack_bolt")),
    )
    register(app, responder)
    return app


def quiet(logger: logging.Logger) -> logging.Logger:
    """The SDK tells every lost connection in several lines; ours (main.py) says it once."""
    logger.setLevel(logging.CRITICAL)
    return logger
