"""files.*: the upload in three steps that replaced files.upload."""

import json
import mimetypes
from typing import Any

from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.people import BOT_USER
from drbot.slack_simulator.records import File, Json, Message
from drbot.slack_simulator.rules import SlackError


def get_upload_url(context: MethodContext, arguments: Json) -> Json:
    """Announce a file; its bytes go to the URL in the answer."""
    length = int(arguments["length"])
    if length <= 0:
        raise SlackError("invalid_arguments")
    name = str(arguments["filename"])
    file = File(
        id=context.state.identifier("F"),
        name=name,
        size=length,
        user=BOT_USER,
        mimetype=mimetypes.guess_type(name)[0] or "text/plain",
    )
    context.state.files[file.id] = file
    return {"upload_url": f"{context.url}/upload/{file.id}", "file_id": file.id}


def complete_upload(context: MethodContext, arguments: Json) -> Json:
    """Share uploaded files in a channel, with a comment, in a thread."""
    wanted: Any = arguments["files"]
    if isinstance(wanted, str):
        wanted = json.loads(wanted)
    files = [_uploaded(context, each) for each in wanted]
    context.state.post(
        Message(
            channel=context.own_channel(str(arguments["channel_id"])).id,
            user=BOT_USER,
            text=str(arguments.get("initial_comment") or ""),
            thread_ts=str(arguments.get("thread_ts") or ""),
            files=[file.as_seen() for file in files],
        )
    )
    return {"files": [file.as_seen() for file in files]}


def _uploaded(context: MethodContext, wanted: Json) -> File:
    file = context.state.files.get(str(wanted.get("id")))
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    file.title = str(wanted.get("title") or file.name)
    return file
