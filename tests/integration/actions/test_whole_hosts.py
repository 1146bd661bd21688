"""What users get on a new host is what this run has put there; what is in the way is said before anything is done."""

import socket
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.runs.plan import Holds
from drbot.runners.actions import anew, conflicts, infrastructure
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.process import Bounds
from drbot.runners.contract.action import Finding
from tests.integration.actions.conftest import own
from tests.integration.actions.machine import Machine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

GIVEN = {"services": ["app"]}
WATCH = Watch(bounds=Bounds(cancelled=lambda: False, seconds=120), on_line=lambda line: None)


def compose_file(at: Machine, more: str = "") -> Path:
    """One service on one volume that Compose does not make."""
    at.files(
        {
            f"{at.name}/compose.yml": f"""
services:
  app:
    image: {at.image}
    entrypoint: [sh, -c, "sleep 600"]
    network_mode: none
    volumes: ["rows:/rows"]
    {more}
volumes:
  rows: {{name: {at.name}_data, external: true}}
"""
        }
    )
    return at.folder / at.name / "compose.yml"


def up(at: Machine) -> None:
    at.clients.compose.up(at.name, ["app"], WATCH)


def look(at: Machine) -> Finding:
    return anew.anew(at.context("r1"), GIVEN)


def test_a_service_on_what_this_run_has_made_is_proven(machine: Machine) -> None:
    compose_file(machine)
    machine.volume("data", {"rows": "restored"}, **{"drbot.run": own("r1")})
    up(machine)

    assert look(machine).passed, look(machine).sentence


@pytest.mark.parametrize("how", ["older", "other files", "old volume", "none"])
def test_a_service_that_only_answers_is_no_proof(machine: Machine, how: str) -> None:
    """PostgreSQL of a stale standby has rows too."""
    compose_file(machine)
    if how == "old volume":
        machine.volume("data", {"rows": "of last year"})
        machine.wait_for_the_next_second()
        machine.volume("other", {"rows": "restored"}, **{"drbot.run": own("r1")})
        wanted = "older than this recovery"
    elif how == "older":
        machine.volume("data", {"rows": "of last year"})
        up(machine)
        machine.wait_for_the_next_second()
        machine.volume("other", {"rows": "restored"}, **{"drbot.run": own("r1")})
        wanted = "the container of app is older than this recovery"
    else:
        machine.volume("data", {"rows": "restored"}, **{"drbot.run": own("r1")})
        wanted = "from other files" if how == "other files" else "app has no container"
    if how in {"other files", "old volume"}:
        up(machine)
    if how == "other files":
        compose_file(machine, "environment: {TOKEN: from-no-backup}")

    found = look(machine)

    assert not found.passed
    assert wanted in found.sentence


def test_a_new_volume_on_a_folder_of_the_host_is_told_and_not_counted_as_this_recovery(machine: Machine) -> None:
    """It is as new as anything, and what lies in it may be of last year."""
    old = machine.folder / "old"
    machine.files({"old/rows": "of last year"})
    compose_file(machine).write_text(f"""
services:
  app:
    image: {machine.image}
    entrypoint: [sh, -c, "sleep 600"]
    network_mode: none
    volumes: ["rows:/rows", "more:/more"]
volumes:
  rows: {{name: {machine.name}_data, external: true}}
  more: {{driver_opts: {{type: none, o: bind, device: {old}}}}}
""")
    machine.volume("data", {"rows": "restored"}, **{"drbot.run": own("r1")})
    up(machine)

    found = look(machine)

    assert found.passed, found.sentence
    assert f"by the options of their compose file: {machine.name}_more" in found.sentence


def test_a_volume_from_before_is_not_taken_for_the_systems_own(machine: Machine) -> None:
    """Compose would start the service on whatever is in it."""
    compose_file(machine)
    machine.volume("data", {"rows": "of last year"})

    with pytest.raises(PermanentError, match=f"{machine.name}_data: not made by this run"):
        infrastructure.create(machine.context("r1"), GIVEN)


@pytest.mark.parametrize("what", ["port of a program", "name of a container"])
def test_what_is_in_the_way_is_said_before_anything_is_cleared(machine: Machine, what: str) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        name = machine.container(project=f"{machine.name}other")
        holds = Holds(ports=(port,)) if what == "port of a program" else Holds(containers=(name,))
        context = machine.context("r1", holds=holds)

        found = conflicts.free(context, {})

    assert not found.passed
    assert str(port if what == "port of a program" else name) in found.sentence
    assert conflicts.free(machine.context("r1", holds=Holds(ports=(port,))), {}).passed


def test_what_is_put_aside_is_in_nobodys_way(machine: Machine) -> None:
    name = machine.container()
    found = machine.survey("r1")

    assert not conflicts.free(machine.context("r1", holds=Holds(containers=(name,))), {}).passed
    assert conflicts.free(machine.context("r1", found, holds=Holds(containers=(name,))), {}).passed


def test_a_name_that_compose_gives_by_its_own_rule_has_to_be_free_too(machine: Machine) -> None:
    """No compose file names it, so no backup tells; Compose would fail on it when the host is cleared already."""
    stranger = machine.container(project=f"{machine.name}other")
    assert conflicts.free(machine.context("r1"), {}).passed
    machine.api.containers.get(stranger).rename(f"{machine.name}-app-1")

    found = conflicts.free(machine.context("r1"), {})

    assert not found.passed
    assert f"{machine.name}-app-1" in found.sentence
