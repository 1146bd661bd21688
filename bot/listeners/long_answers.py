"""An answer that is too long to be read in messages: all of it as a file, in the direct messages of whoever asked."""

from dataclasses import replace

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from drbot.bot.blocks.reply import is_long, whole_text
from drbot.bot.listeners.pictures import send_pictures
from drbot.commands.speech.messages import Reply
from drbot.core.text.messages import phrase, say, sentences

log = structlog.get_logger(__name__)

NAME = "answer.txt"
SENT: str = phrase("This is a part of it: I sent you all of it as a file in a direct message.")
NOT_SENT: str = phrase(
    "This is a part of it, and the file with all of it could not be sent. A terminal shows all: drbot dr"
)


def with_file(client: WebClient, user: str, reply: Reply, language: str) -> Reply:
    """The same, and where it is too long with a file and where to find it."""
    if not is_long(reply, language):
        return reply
    try:
        send_pictures(client, user, {NAME: whole_text(reply, language).encode()}, say(reply.text, language))
    except (SlackApiError, SlackClientError, OSError) as error:
        log.warning("A long answer could not be sent as a file.", user=user, error=str(error))
        return replace(reply, text=sentences(reply.text, NOT_SENT))
    return replace(reply, text=sentences(reply.text, SENT))
