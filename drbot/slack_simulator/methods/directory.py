"""Who is here: auth.test, users.info, and the way into Socket Mode."""

from drbot.slack_simulator.method_context import MethodContext
from drbot.slack_simulator.people import APP, BOT, BOT_USER, TEAM, TEAM_NAME
from drbot.slack_simulator.records import Json


def auth_test(context: MethodContext, arguments: Json) -> Json:
    """Who the token belongs to."""
    return {
        "url": f"{context.url}/",
        "team": TEAM_NAME,
        "user": context.state.people[BOT_USER].name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "app_id": APP,
        "is_enterprise_install": False,
    }


def open_connection(context: MethodContext, arguments: Json) -> Json:
    """A WebSocket address that works once."""
    return {"url": context.new_socket_url()}


def user_info(context: MethodContext, arguments: Json) -> Json:
    return {"user": context.person(str(arguments["user"])).as_slack()}
