"""What a row says of a drill never becomes a path: its folder is removed at the end."""

import tempfile
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.sandbox import Sandbox
from drbot.runners.upkeep.drill_rights import without_processors


def test_a_sandbox_lies_in_a_folder_of_its_own() -> None:
    sandbox = Sandbox(engine=DockerEngine(None), drill="drill-7", instance="0123abcd")

    assert sandbox.folder == Path(tempfile.gettempdir()) / "drbot-drill-7-0123abcd"


@pytest.mark.parametrize(
    ("drill", "instance"),
    [
        ("drill-7", ""),
        ("drill-7", "/../../x"),
        ("drill-7", "0123abcd/"),
        ("drill-7/../x", "0123abcd"),
        ("7", "0123abcd"),
    ],
)
def test_no_other_name_is_believed(drill: str, instance: str) -> None:
    with pytest.raises(PermanentError, match="nothing was touched"):
        Sandbox(engine=DockerEngine(None), drill=drill, instance=instance)


def test_what_its_workers_remember_is_not_shared_with_what_runs_inside() -> None:
    sandbox = Sandbox(engine=DockerEngine(None), drill="drill-7", instance="0123abcd")

    assert not any(sandbox.home.is_relative_to(one) or sandbox.socket.is_relative_to(one) for one in sandbox.shared)


def test_its_engine_is_not_asked_for_limits_that_it_refuses() -> None:
    limits = {"cpus": "0.5", "memory": "64M"}
    document = {"name": "shop", "services": {"app": {"cpus": 0.5, "deploy": {"resources": {"limits": limits}}}}}

    assert without_processors(document) == {
        "name": "shop", "services": {"app": {"deploy": {"resources": {"limits": {"memory": "64M"}}}}},
    }  # fmt: skip
