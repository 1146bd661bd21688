"""Who is here: auth.test, users.*, usergroups.*, and the way into Socket Mode."""

from drbot.slack_simulator.method_context import MethodContext, page_of
from drbot.slack_simulator.people import APP, BOT, BOT_USER, TEAM, TEAM_NAME
from drbot.slack_simulator.records import Json
from drbot.slack_simulator.rules import SlackError


def api_test(context: MethodContext, arguments: Json) -> Json:
    """Says that the API is there."""
    if arguments.get("error"):
        raise SlackError(str(arguments["error"]))
    return {"args": arguments}


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
    """One person."""
    return {"user": context.person(str(arguments["user"])).as_slack()}


def list_users(context: MethodContext, arguments: Json) -> Json:
    """Everybody of this workspace."""
    page, following = page_of(list(context.state.people.values()), arguments, 100)
    return {"members": [person.as_slack() for person in page if person.team_id == TEAM]} | following


def list_usergroups(context: MethodContext, arguments: Json) -> Json:
    """The groups a roster may name."""
    return {"usergroups": context.state.usergroups}


def list_usergroup_members(context: MethodContext, arguments: Json) -> Json:
    """The ids of a group's members."""
    for group in context.state.usergroups:
        if group["id"] == arguments["usergroup"]:
            return {"users": group.get("users", [])}
    raise SlackError("no_such_subteam")
