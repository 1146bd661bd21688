"""Who is in the Slack simulator: the people of the demo and the tests, and the app's own ids."""

from dataclasses import asdict, dataclass
from typing import Any

TEAM = "T00LOCAL"
TEAM_NAME = "Local workspace"
TEAM_DOMAIN = "local"
APP = "A00DRBOT"
BOT_USER = "U00DRBOT"
BOT = "B00DRBOT"
BOT_TOKEN = "xoxb-local"  # noqa: S105 - opens nothing but the Slack simulator
APP_TOKEN = "xapp-local"  # noqa: S105 - opens nothing but the Slack simulator


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A member of the workspace, human or not."""

    id: str
    name: str
    real_name: str
    is_bot: bool = False
    is_restricted: bool = False
    deleted: bool = False
    team_id: str = TEAM

    def as_seen(self) -> dict[str, Any]:
        return asdict(self)

    def as_slack(self) -> dict[str, Any]:
        """Slack's user object, as far as a bot looks at it."""
        return self.as_seen() | {"is_stranger": self.team_id != TEAM}


PEOPLE = (
    Person(id="U00AIKO", name="aiko", real_name="Aiko"),
    Person(id="U00BEN", name="ben", real_name="Ben"),
    Person(id="U00CHIKA", name="chika", real_name="Chika"),
    Person(id="U00DAN", name="dan", real_name="Dan"),
    Person(id="U00GUEST", name="guest", real_name="Gina Guest", is_restricted=True),
    Person(id="U00BOTX", name="otherbot", real_name="Another bot", is_bot=True),
    Person(id="U00GONE", name="gone", real_name="Gordon Gone", deleted=True),
    Person(id="U00ELSE", name="elsewhere", real_name="Elsa Elsewhere", team_id="T00OTHER"),
    Person(id=BOT_USER, name="drbot", real_name="drbot", is_bot=True),
)

MEMBERS = ("U00AIKO", "U00BEN", "U00CHIKA", "U00DAN")


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """A channel that exists from the start."""

    name: str
    members: tuple[str, ...]
    is_private: bool = False


ROOMS = (
    Room(name="general", members=(*MEMBERS, "U00GUEST", "U00BOTX")),
    Room(name="dr-ops", members=(*MEMBERS, "U00GUEST", "U00ELSE", BOT_USER)),
    Room(name="dr-status", members=(*MEMBERS, "U00GUEST")),
)
