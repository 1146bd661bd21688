"""`drbot dr …`: the same verbs without Slack."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drbot.cli.dr import dr_app, person_named
from drbot.cli.main import app
from drbot.cli.processes import open_database
from drbot.core.base.errors import UserError
from drbot.core.runs.drill import DrillEnd
from drbot.core.site.configuration import load_configuration
from drbot.core.site.level import Level
from drbot.store.records import drills
from tests.integration.commands.verb_fixture import DR_YML
from tests.waiting import PATIENCE


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "dr.yml"
    path.write_text(DR_YML)
    return path


def dr(config: Path, *words: str, person: str = "ben") -> Result:
    """Type it; the state lies beside dr.yml."""
    options = ["--config", str(config), "--home", str(config.parent / "home"), "--as", person]
    environment = {"DATABASE_URL": "", "REDIS_URL": "", "COLUMNS": "200"}
    return CliRunner().invoke(dr_app, [*words, *options], env=environment)


def test_an_incident_is_declared_shown_and_stopped_from_a_terminal(config: Path) -> None:
    declared = dr(config, "declare", "level2", "PostgreSQL", "does", "not", "start")
    shown = dr(config, "status")
    addressed = dr(config, "DR-1", "status")
    stopped = dr(config, "stop", "DR-1", "mistake")

    assert (declared.exit_code, shown.exit_code, addressed.exit_code, stopped.exit_code) == (0, 0, 0, 0)
    assert "DR-1" in declared.output and "PostgreSQL does not start" in shown.output
    assert "waiting for a worker" in addressed.output
    assert "stopped" in stopped.output


def test_no_word_at_all_is_the_menu(config: Path) -> None:
    environment = {"DRBOT_CONFIG": str(config), "DRBOT_HOME": str(config.parent / "home"), "DRBOT_PERSON": "ben"}
    result = CliRunner().invoke(dr_app, [], env=environment)

    assert result.exit_code == 0
    assert "No incident is open" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [(["lst"], 'Did you mean "list"'), (["declare", "level1", "aut"], "Services:"), (["stop"], "No incident is open")],
)
def test_what_a_person_can_put_right_ends_with_2_on_stderr(config: Path, words: list[str], said: str) -> None:
    result = dr(config, *words)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_a_name_that_nobody_has_is_refused_with_the_names(config: Path) -> None:
    result = dr(config, "status", person="chikka")

    assert result.exit_code == 2
    assert 'Did you mean "chika"' in result.stderr


def test_a_broken_configuration_is_told_with_its_line(config: Path) -> None:
    config.write_text(DR_YML.replace("projects: projects", "project: projects"))

    result = dr(config, "status")

    assert result.exit_code == 2
    assert "dr.yml:4:" in result.stderr


def test_the_login_of_the_machine_is_the_person_of_that_name(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRBOT_PERSON", raising=False)
    roster = load_configuration(config).roster

    chika = person_named("", roster, login="chika")

    assert chika is not None and chika.name == "Chika"
    assert person_named("", roster, login="root") is None
    monkeypatch.setenv("DRBOT_PERSON", "emi")
    emi = person_named("", roster, login="chika")
    assert emi is not None and emi.id == "emi"
    with pytest.raises(UserError):
        person_named("zoe", roster)


def test_letters_that_imitate_others_are_shown_in_the_terminal(config: Path) -> None:
    dr(config, "declare", "level2", "pr\u043eduction \u202eis down")

    assert "pr\\u043eduction" in dr(config, "status").output


def test_a_token_that_is_no_good_has_an_exit_code_of_its_own(config: Path) -> None:
    """The script of a new machine tries again whatever else keeps a worker from starting."""
    options = ["--config", str(config), "--home", str(config.parent / "home")]

    done = CliRunner().invoke(app, ["worker", "--join", "guessed", *options], env={"DATABASE_URL": "", "REDIS_URL": ""})

    assert done.exit_code == 3
    assert "This token was never issued" in done.stderr


def test_the_trend_of_drills_is_written_into_a_file(config: Path, tmp_path: Path) -> None:
    database = open_database(config.parent / "home")
    with database.write() as tx:
        number = drills.ask(tx, Level.SERVICE, site="production", service=None, person="ben", rehearsed=True).id
        drill = drills.get(tx.connection, number)
        assert drill is not None
        drills.end(tx, replace(drill, end=DrillEnd.PASSED, rto_seconds=5.0))
    database.close()

    written = dr(config, "drills", "picture", "--file", str(tmp_path / "trend.png"))
    refused = dr(config, "drills", "picture", "--file", str(tmp_path / "nowhere" / "trend.png"))

    assert (written.exit_code, refused.exit_code) == (0, 2)
    assert "trend.png" in written.output
    assert (tmp_path / "trend.png").read_bytes().startswith(b"\x89PNG")
    assert "could not be written" in refused.stderr


def test_a_drill_by_a_changed_dr_yml_is_asked_about_once_and_shows_what_differs(config: Path) -> None:
    def drill(*more: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-P", "-m", "drbot.cli.main", "drill", "level9", "--as", "ben", *more]
        words += ["--config", str(config), "--home", str(config.parent / "home")]
        environment = os.environ | {"DATABASE_URL": "", "REDIS_URL": ""}
        return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    first = drill()
    config.write_text(DR_YML.replace("projects: projects", "projects: elsewhere"))
    refused, agreed, again = drill(), drill("--yes"), drill()

    assert {one.returncode for one in (first, refused, agreed, again)} == {2}
    assert "elsewhere" in refused.stdout and "Agree with --yes" in refused.stderr
    assert "elsewhere" in agreed.stdout and "Agree with" not in agreed.stderr
    assert first.stdout == again.stdout == ""


@contextmanager
def begun_drill(config: Path, engine: str) -> Iterator[subprocess.Popen[str]]:
    """Killed at the end, if it is still there."""
    words = [sys.executable, "-P", "-m", "drbot.cli.main", "drill", "level1", "--as", "ben"]
    words += ["--config", str(config), "--home", str(config.parent / "home")]
    environment = os.environ | {"DATABASE_URL": "", "REDIS_URL": "", "DOCKER_HOST": engine}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def drills_begun(config: Path) -> int:
    database = open_database(config.parent / "home")
    with database.read() as connection:
        found = drills.list_of(connection)
    database.close()
    return len(found)


def test_a_drill_without_a_docker_engine_says_so_and_begins_none(config: Path, tmp_path: Path) -> None:
    with begun_drill(config, f"unix://{tmp_path}/nobody.sock") as process:
        _, said = process.communicate(timeout=PATIENCE)

    assert process.returncode == 2
    assert "the Docker engine does not answer" in said and "docker.host in dr.yml" in said
    assert drills_begun(config) == 0


def test_a_drill_that_waits_for_a_docker_engine_ends_when_it_is_told_to(config: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/silent.sock")
        silent.listen()
        silent.settimeout(PATIENCE)
        with begun_drill(config, f"unix://{tmp_path}/silent.sock") as process:
            silent.accept()

            process.send_signal(signal.SIGTERM)

            process.communicate(timeout=PATIENCE)
    assert process.returncode not in (0, None)
    assert drills_begun(config) == 0
