"""Somebody starts a container by hand while data changes places: on a real engine."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.container_labels import HELPER_LABEL, NO_PROJECT, PROJECT
from drbot.runners.clients.volume_mover import Mode, Move, VolumeMover
from drbot.runners.foundation.permit import Permit
from tests.integration.actions.conftest import WorkerFixture
from tests.integration.actions.test_restore_and_swap import _tidy, permitted, three

__all__ = ["_tidy", "three"]
pytestmark = pytest.mark.docker


@dataclass
class DisturbedMover:
    """A mover beside which somebody starts a container on the volume by hand, before or after the data has moved."""

    worker_fixture: WorkerFixture
    moment: str
    containers: list[str] = field(default_factory=list)
    mode: str = "rw"
    labels: dict[str, str] = field(default_factory=dict)

    def mover(self) -> VolumeMover:
        """The real one, but for what happens beside it."""
        outer = self

        class Disturbed(VolumeMover):
            def _ensure_keeper(self, move: Move, permit: Permit) -> None:
                super()._ensure_keeper(move, permit)
                outer.start_at("before", move)

            def _run(self, move: Move, mode: Mode, name: str | None) -> list[str]:
                said = super()._run(move, mode, name)
                outer.start_at("after", move)
                return said

        return Disturbed(self.worker_fixture.clients.docker)

    def start_at(self, moment: str, move: Move) -> None:
        """When its moment has come."""
        if moment == self.moment and not self.containers:
            api = self.worker_fixture.clients.docker.client.api
            binds, labels = {"Binds": [f"{move.volume}:/x:{self.mode}"]}, {**move.labels, **self.labels}
            made = api.create_container(move.image, ["60"], entrypoint=["sleep"], host_config=binds, labels=labels)
            self.containers.append(made["Id"])
            api.start(made["Id"])


@pytest.fixture
def disturbed(worker_fixture: WorkerFixture, three: Move, request: pytest.FixtureRequest) -> Iterator[DisturbedMover]:
    made = DisturbedMover(worker_fixture, request.param)
    yield made
    for container in made.containers:
        worker_fixture.clients.docker.client.api.remove_container(container, force=True)


@pytest.mark.parametrize("disturbed", ["before"], indirect=True)
def test_who_comes_right_before_the_move_keeps_it_from_happening(
    worker_fixture: WorkerFixture, three: Move, disturbed: DisturbedMover
) -> None:
    with pytest.raises(PermanentError, match=r"is in use by .*; nothing was touched"):
        disturbed.mover().move(three, permitted(three.volume))

    assert (worker_fixture.read(three.volume), worker_fixture.read(three.replacement)) == ("old", "new")


@pytest.mark.parametrize("disturbed", ["after"], indirect=True)
def test_a_move_during_which_somebody_came_is_no_success(
    worker_fixture: WorkerFixture, three: Move, disturbed: DisturbedMover
) -> None:
    """Whoever opened the volume before its data moved writes into the old data, under the name of the new."""
    with pytest.raises(PermanentError, match="was started while the data moved"):
        disturbed.mover().move(three, permitted(three.volume))

    assert (worker_fixture.read(three.volume), worker_fixture.read(three.keeper)) == ("new", "old")


@pytest.mark.parametrize("disturbed", ["before", "after"], indirect=True)
def test_a_survey_that_only_looks_keeps_no_move_from_happening(
    worker_fixture: WorkerFixture, three: Move, disturbed: DisturbedMover
) -> None:
    """`/dr plan` in the middle of a recovery: its helper has the volume open, and reads."""
    disturbed.mode, disturbed.labels = "ro", {HELPER_LABEL: "true", PROJECT: NO_PROJECT}

    disturbed.mover().move(three, permitted(three.volume))

    assert disturbed.containers
    assert (worker_fixture.read(three.volume), worker_fixture.read(three.keeper)) == ("new", "old")
