"""What `drbot slack` makes of a dr.yml: its people are there, and nothing begins by itself."""

import threading
from pathlib import Path

import pytest

from drbot.cli.processes import Process, open_database
from drbot.cli.slack import alone, rehearsed, workspace
from drbot.core.base.errors import UserError
from drbot.core.site.configuration import Loaded
from drbot.core.site.site import Configuration
from drbot.store.base.doorbell import doorbell_of
from drbot.store.records import surfaces

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
    made = rehearsed(loaded())

    assert made.is_rehearsal
    assert made.configuration.backups.schedule.full is None
    assert made.configuration.drills.schedule.level2 is None
    assert made.configuration.alerts.declare == {}


def test_everybody_of_dr_yml_is_there_and_who_commands_comes_first() -> None:
    made = rehearsed(loaded())

    with workspace(made, for_real=False) as simulator:
        people = [(one.id, one.name, one.real_name) for one in simulator.state.people.values() if not one.is_bot]
        channels = {channel.name: len(channel.members) for channel in simulator.state.channels.values()}

    assert people == [("U012ABC", "aiko", "Aiko Tanaka"), ("ULOCALBEN", "ben", "Ben Okafor")]
    assert made.configuration.people["ben"].slack == ("ULOCALBEN",)
    assert channels == {"ops": 3, "all": 2}


@pytest.mark.parametrize(
    ("people", "why"), [({}, "names nobody"), ({"ben": {"name": "Ben", "roles": ["approver"]}}, "has a Slack id")]
)
def test_where_nobody_could_vote_it_says_what_to_add(people: object, why: str) -> None:
    with pytest.raises(UserError) as refused, workspace(loaded(people=people), for_real=True):
        pass

    assert why in refused.value.why


def test_for_real_nobody_gets_an_id_that_the_roster_does_not_know() -> None:
    with workspace(loaded(), for_real=True) as simulator:
        assert [one.id for one in simulator.state.people.values() if not one.is_bot] == ["U012ABC"]


def test_a_rehearsal_and_whatever_changes_production_never_share_a_state(tmp_path: Path) -> None:
    open_database(tmp_path, is_rehearsal=True).close()
    open_database(tmp_path, is_rehearsal=True).close()

    with pytest.raises(UserError) as refused:
        open_database(tmp_path)

    assert "drbot slack" in refused.value.why


def test_the_page_serves_no_state_that_another_slack_has(tmp_path: Path) -> None:
    process = process_in(tmp_path)
    with alone(process):
        pass
    with process.database.write() as tx:
        assert surfaces.lead(tx, surfaces.PUBLISHER, "a bot", 60)

    with pytest.raises(UserError) as refused, alone(process):
        pass

    assert "A bot serves Slack" in refused.value.why
    process.database.close()


def process_in(home: Path) -> Process:
    return Process(
        loaded=loaded(), home=home, database=open_database(home), doorbell=doorbell_of(None), stop=threading.Event()
    )
