"""The QR codes of an authenticator: into the direct messages of whoever asked, never into a channel."""

import io
from urllib.parse import urlsplit

import httpx
import segno
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from drbot.bot.outbound.messenger import UPLOAD_SECONDS
from drbot.bot.slack_api.slack import LOCAL
from drbot.commands.speech.messages import Reply
from drbot.core.text.messages import phrase, say

NAMES = ("approvals.png", "roster.png")


def send_qr(client: WebClient, user: str, reply: Reply, language: str) -> Reply:
    """Sends the pictures; what to say where it was asked for. Raises what Slack's SDK raises."""
    place = client.conversations_open(users=[user])["channel"]["id"]
    files = [_uploaded(client, name, qr) for name, qr in zip(NAMES, reply.qrs, strict=True)]
    client.files_completeUploadExternal(files=files, channel_id=place, initial_comment=say(reply.text, language))
    return Reply(
        text=phrase(
            "I sent you two QR codes in a direct message. Read both with your authenticator, then: /dr enrol 123456"
        )
    )


def _uploaded(client: WebClient, name: str, qr: str) -> dict[str, str | None]:
    picture = io.BytesIO()
    segno.make(qr, error="m").save(picture, kind="png", scale=6, border=4)
    content = picture.getvalue()
    file = client.files_getUploadURLExternal(filename=name, length=len(content))
    url = str(file["upload_url"])
    outside = urlsplit(url).hostname not in LOCAL  # a proxy of the environment is for the world outside
    try:
        httpx.post(url, content=content, timeout=UPLOAD_SECONDS, trust_env=outside).raise_for_status()
    except httpx.HTTPError as error:
        raise SlackClientError(f"Slack did not take the picture: {error}") from error
    return {"id": str(file["file_id"]), "title": name}
