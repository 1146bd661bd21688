"""The QR codes of an authenticator: into the direct messages of whoever asked, never into a channel."""

import io

import segno
from slack_sdk import WebClient

from drbot.bot.listeners.pictures import send_pictures
from drbot.commands.speech.messages import Reply
from drbot.core.text.messages import phrase, say

NAMES = ("approvals.png", "roster.png")


def send_qr(client: WebClient, user: str, reply: Reply, language: str) -> Reply:
    """Sends the pictures; what to say where it was asked for. Raises what Slack's SDK raises."""
    pictures = {name: _drawn(qr) for name, qr in zip(NAMES, reply.qrs, strict=True)}
    send_pictures(client, user, pictures, say(reply.text, language))
    return Reply(
        text=phrase(
            "I sent you two QR codes in a direct message. Read both with your authenticator, then: /dr enrol 123456"
        )
    )


def _drawn(qr: str) -> bytes:
    picture = io.BytesIO()
    segno.make(qr, error="m").save(picture, kind="png", scale=6, border=4)
    return picture.getvalue()
