"""Two checkouts on one engine, each with a lab of the same name: neither ever touches the other's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drbot.lab.breakage import break_it
from drbot.lab.engine import connect
from drbot.lab.system import Lab
from tests.labs import LabFactory, wait_until_faultless

pytestmark = [pytest.mark.docker, pytest.mark.more]


@pytest.fixture
def theirs(ours: Lab, tmp_path: Path) -> Iterator[Lab]:
    """A lab of the same name, from another folder."""
    made = Lab(name=ours.name, home=tmp_path / "labs", host=ours.host)
    yield made
    made.reset()


@pytest.fixture(scope="module")
def ours(lab_factory: LabFactory) -> Lab:
    return lab_factory("lab")


def volumes(lab: Lab) -> set[str]:
    client = connect(lab.host)
    try:
        return {str(one.name) for one in client.volumes.list(filters={"label": f"drbot.lab={lab.label}"})}
    finally:
        client.close()


def rows(lab: Lab) -> int:
    return int(lab.psql("SELECT count(*) FROM users", "-d", "authdb"))


@pytest.mark.long
def test_a_lab_is_broken_stopped_and_removed_beside_one_of_the_same_name(ours: Lab, theirs: Lab) -> None:
    theirs.up(print)
    ours.psql("DELETE FROM users WHERE id <= 7", "-d", "authdb")
    mine, before = rows(ours), volumes(ours)
    assert rows(theirs) != mine
    assert volumes(theirs).isdisjoint(before)

    break_it(theirs, "postgres-corrupt")
    assert "postgres" in theirs.faults()
    wait_until_faultless(ours)
    theirs.down()
    theirs.reset()

    assert volumes(theirs) == set()
    assert volumes(ours) == before
    wait_until_faultless(ours)
    assert rows(ours) == mine
