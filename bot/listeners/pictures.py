"""Pictures of an answer: into the direct messages of whoever asked."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError

from drbot.bot.outbound.messenger import UPLOAD_SECONDS
from drbot.bot.slack_api.slack import LOCAL
from drbot.commands.speech.messages import Picture, Reply
from drbot.core.text.messages import phrase, say


def send_picture(client: WebClient, user: str, reply: Reply, picture: Picture, language: str) -> Reply:
    """Draws and sends it; what to say where it was asked for. Raises what Slack's SDK raises."""
    send_pictures(client, user, {picture.name: picture.draw(language)}, say(reply.text, language))
    return Reply(text=phrase("I sent you the picture in a direct message."))


def send_pictures(client: WebClient, user: str, pictures: Mapping[str, bytes], comment: str) -> None:
    """In one message. `pictures`: by the name of the file. Raises what Slack's SDK raises."""
    place = client.conversations_open(users=[user])["channel"]["id"]
    files = [_uploaded(client, name, content) for name, content in pictures.items()]
    client.files_completeUploadExternal(files=files, channel_id=place, initial_comment=comment)


def _uploaded(client: WebClient, name: str, content: bytes) -> dict[str, str | None]:
    file = client.files_getUploadURLExternal(filename=name, length=len(content))
    url = str(file["upload_url"])
    outside = urlsplit(url).hostname not in LOCAL  # a proxy of the environment is for the world outside
    try:
        httpx.post(url, content=content, timeout=UPLOAD_SECONDS, trust_env=outside).raise_for_status()
    except httpx.HTTPError as error:
        raise SlackClientError(f"Slack did not take the picture: {error}") from error
    return {"id": str(file["file_id"]), "title": name}
