"""What `drbot slack` makes of a dr.yml: its people are there, and nothing begins by itself."""

import pytest

from drbot.cli.slack import rehearsed, workspace
from drbot.core.base.errors import UserError
from drbot.core.site.configuration import Loaded
from drbot.core.site.site import Configuration

GIVEN = {
    "system": "shop",
    "sites": {"production": {"services": {}}},
    "backups": {"directory": "backups", "schedule": {"full": "0 2 * * *"}},
    "drills": {"schedule": {"level2": "0 9 1 * *"}},
    "alerts": {"declare": ["Down"]},
    "channels": {"home": "ops", "status": ["all", "ops"]},
    "people": {
        "ben": {"name": "Ben Okafor", "roles": ["approver"]},
        "aiko": {"name": "Aiko Tanaka", "slack": ["U012ABC"], "roles": ["commander", "approver"]},
    },
}


def loaded(**changes: object) -> Loaded:
    return Loaded(configuration=Configuration.model_validate(GIVEN | changes))


def test_nothing_begins_by_itself() -> None:
    made = rehearsed(loaded(), for_real=False)

    assert made.is_rehearsal and not rehearsed(loaded(), for_real=True).is_rehearsal
    assert made.configuration.backups.schedule.full is None
    assert made.configuration.drills.schedule.level2 is None
    assert made.configuration.alerts.declare == ()


def test_everybody_of_dr_yml_is_there_and_who_commands_comes_first() -> None:
    made = rehearsed(loaded(), for_real=False)

    with workspace(made, for_real=False) as simulator:
        people = [(one.id, one.name, one.real_name) for one in simulator.state.people.values() if not one.is_bot]
        channels = {channel.name: len(channel.members) for channel in simulator.state.channels.values()}

    assert people == [("U012ABC", "aiko", "Aiko Tanaka"), ("ULOCALBEN", "ben", "Ben Okafor")]
    assert made.configuration.people["ben"].slack == ("ULOCALBEN",)
    assert channels == {"ops": 3, "all": 2}


def test_without_people_it_says_what_to_add() -> None:
    with pytest.raises(UserError) as refused:
        rehearsed(loaded(people={}), for_real=False)

    assert "names nobody" in refused.value.why
