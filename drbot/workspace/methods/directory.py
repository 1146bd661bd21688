"""Who is here: auth.test, users.*, usergroups.*, and the door to Socket Mode."""

from drbot.workspace.desk import Desk, page_of
from drbot.workspace.people import APP, BOT, BOT_USER, TEAM, TEAM_NAME
from drbot.workspace.records import Json
from drbot.workspace.rules import SlackError


def api_test(desk: Desk, arguments: Json) -> Json:
    """Says that the API is there."""
    if arguments.get("error"):
        raise SlackError(str(arguments["error"]))
    return {"args": arguments}


def auth_test(desk: Desk, arguments: Json) -> Json:
    """Who the token belongs to."""
    return {
        "url": f"{desk.url}/",
        "team": TEAM_NAME,
        "user": desk.state.people[BOT_USER].name,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "app_id": APP,
        "is_enterprise_install": False,
    }


def open_connection(desk: Desk, arguments: Json) -> Json:
    """A WebSocket address that works once."""
    return {"url": desk.new_socket_url()}


def user_info(desk: Desk, arguments: Json) -> Json:
    """One person."""
    return {"user": desk.person(str(arguments["user"])).as_slack()}


def list_users(desk: Desk, arguments: Json) -> Json:
    """Everybody of this workspace."""
    page, following = page_of(list(desk.state.people.values()), arguments, 100)
    return {"members": [person.as_slack() for person in page if person.team_id == TEAM]} | following


def list_usergroups(desk: Desk, arguments: Json) -> Json:
    """The groups a roster may name."""
    return {"usergroups": desk.state.usergroups}


def list_usergroup_members(desk: Desk, arguments: Json) -> Json:
    """The ids of a group's members."""
    for group in desk.state.usergroups:
        if group["id"] == arguments["usergroup"]:
            return {"users": group.get("users", [])}
    raise SlackError("no_such_subteam")
