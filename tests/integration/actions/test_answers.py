"""What a command in a container says: from its first byte, also when it arrives together with the engine's answer; and
nothing, without an error, where the container has ended since it was looked at.
"""

import re
from dataclasses import replace

import pytest

from drbot.runners.clients import helper
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.streams import feed_command
from tests.engine_proxy import EngineProxy
from tests.integration.actions.conftest import WorkerFixture

pytestmark = pytest.mark.docker


@pytest.fixture
def busy(proxy: EngineProxy, through: Clients) -> Clients:
    """The lab's clients on a host where all that a command says comes at once."""
    proxy.whole_at = re.compile(r"^POST /v[^/]+/exec/[^/]+/start ")
    return through


def test_a_small_question_has_its_answer(busy: Clients) -> None:
    postgres = busy.postgres.container()
    assert postgres is not None

    found = busy.docker.execute(postgres.id, ["printf", "one word"], seconds=10)

    assert (found.code, found.output) == (0, "one word")
    assert busy.postgres.databases()


def test_a_compose_file_without_a_command_runs_the_images(busy: Clients) -> None:
    assert busy.postgres.recipe(lambda: False).command == ("postgres",)


def test_what_a_fed_command_says_is_whole(busy: Clients) -> None:
    postgres = busy.postgres.container()
    assert postgres is not None
    said: list[bytes] = []

    found = feed_command(
        busy.docker, postgres.id, ["sh", "-c", "echo first; echo second"], [b"nobody reads it\n"], lambda: False,
        heard=lambda stream, piece: said.append(piece),
    )  # fmt: skip

    assert found.output == "first\nsecond" == b"".join(said).decode().strip()


LOGS = re.compile(r"^GET /v[^/]+/containers/[0-9a-f]+/logs")
"""Seen once in some five thousand on a busy host: an empty log of a container that ended well."""


def saying(clients: Clients) -> helper.HelperOrder:
    image = clients.postgres.recipe(lambda: False).image
    return helper.HelperOrder(image=image, name=None, labels={}, entrypoint=("echo",), command=("said",))


def test_an_answer_is_whole_where_the_engine_loses_the_log(proxy: EngineProxy, through: Clients) -> None:
    order = saying(through)
    proxy.loses_at, proxy.losses = LOGS, 1000

    found = helper.run(through.docker, replace(order, user="1234"), lambda: False)

    assert (found.code, found.output) == (0, "said")


def test_a_container_that_ended_meanwhile_gives_no_answer_and_no_error(worker_fixture: WorkerFixture) -> None:
    engine = worker_fixture.clients.docker
    image = worker_fixture.clients.postgres.recipe(lambda: False).image
    order = helper.HelperOrder(image=image, name=None, labels={}, entrypoint=("true",))
    with helper.helper(engine, order) as container:
        helper.start(engine, container)
        helper.wait(engine, container, lambda: False)

        ended = engine.execute(container, ["echo", "here"], seconds=5)
    gone = engine.execute(container, ["echo", "here"], seconds=5)

    assert (ended.code, gone.code) == (137, 137)
    assert ended.output == gone.output == "its container does not run"


def test_a_command_whose_container_goes_under_it_was_killed(worker_fixture: WorkerFixture) -> None:
    """The engine answers 404 to who asks for its exit code; of one that ended by itself it does so now and then."""
    engine = worker_fixture.clients.docker
    image = worker_fixture.clients.postgres.recipe(lambda: False).image
    order = helper.HelperOrder(image=image, labels={}, entrypoint=("sleep", "600"))
    with helper.helper(engine, order) as container:
        helper.start(engine, container)

        ended = feed_command(
            engine, container, ["sh", "-c", "echo here; exec sleep 600"], [], lambda: False,
            heard=lambda stream, piece: engine.remove_helper(container),
        )  # fmt: skip

    assert (ended.code, ended.output) == (137, "here")
