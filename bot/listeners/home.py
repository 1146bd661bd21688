"""App Home: drawn each time it is opened."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drbot.bot.blocks.home import MOST, home, shut
from drbot.bot.listeners.request_parsing import request_of_event
from drbot.bot.listeners.responder import Responder, SlackRequest
from drbot.commands.facts.faults import faults_of
from drbot.commands.verb.readiness import everything, verdict
from drbot.commands.views.incident_view import views_of
from drbot.store.records import incidents


def opened(responder: Responder, body: Mapping[str, Any]) -> None:
    if body["event"].get("tab", "home") == "home":
        responder.later(request_of_event(body, ""), publish)


def publish(responder: Responder, slack_request: SlackRequest) -> None:
    now = datetime.now(UTC)
    if responder.is_stranger(slack_request):
        language = responder.language(slack_request)
        view = shut(responder.context.configuration.system, responder.context.home, language)
        responder.client.views_publish(user_id=slack_request.user, view=view)
        return
    with responder.context.database.read() as connection:
        open_ones = incidents.recent(connection, open_only=True, limit=MOST)
        situations = views_of(connection, responder.context, open_ones, now)
    view = home(
        responder.context.configuration.system,
        responder.person(slack_request),
        situations,
        faults_of(responder.context),
        responder.language(slack_request),
        verdict([one.line.colour for one in everything(responder.context, now)]),
    )
    responder.client.views_publish(
        user_id=slack_request.user, view=responder.signed_values.view(view, slack_request.user)
    )
