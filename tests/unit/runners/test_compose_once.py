"""A survey asks several things of the same compose files and has Compose read them once; the next survey reads anew."""

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.files.compose_program import compose_program
from drbot.core.site.site import ComposeFiles
from drbot.runners.clients.compose import Compose
from drbot.runners.clients.compose_once import ReadOnce
from drbot.runners.foundation.once import ANEW, Once
from drbot.runners.foundation.watching import never
from tests.waiting import PATIENCE

DOCKER = pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
SHOP = "services:\n  web: {image: web:1, environment: {COLOUR: '${COLOUR}'}}\n"
JOB = "  job: {image: job:1, profiles: [nightly]}\n"


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often `docker compose config` was started."""
    said, program = tmp_path / "said", tmp_path / "docker" / "cli-plugins" / "docker-compose"
    program.parent.mkdir(parents=True)
    program.write_text(
        f'#!/bin/sh\ncase " $* " in *" config "*) echo >> {said};; esac\nexec {" ".join(compose_program())} "$@"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return lambda: len(said.read_text()) if said.exists() else 0


@pytest.fixture
def compose(tmp_path: Path) -> Compose:
    """Of a project "shop"."""
    folder = tmp_path / "projects" / "shop"
    folder.mkdir(parents=True)
    (folder / "compose.yml").write_text(SHOP)
    (folder / ".env").write_text("COLOUR=red\n")
    return Compose(folder.parent, "unix:///nowhere")


def colour(compose: Compose) -> str:
    return str(compose.describe("shop", never)["services"]["web"]["environment"]["COLOUR"])


def edit(compose: Compose, name: str, text: str) -> None:
    (compose.folder("shop") / name).write_text(text)


@DOCKER
def test_a_survey_has_each_project_read_once_whoever_asks(compose: Compose, read: Callable[[], int]) -> None:
    survey = ReadOnce(compose, Once())

    with ThreadPoolExecutor(4) as pool:
        said: list[object] = list(pool.map(lambda _: survey.describe_all("shop", never), range(4)))
    said += [survey.describe("shop", never), survey.knowing({}).describe("shop", never)]
    said += [survey.documents(["shop"], never)["shop"], survey.readings(["shop"], never)["shop"]]

    assert read() == 1
    assert said == [compose.describe("shop", never)] * 8


@DOCKER
def test_what_is_edited_is_read_by_the_next_survey_and_by_whoever_looks_without_one(compose: Compose) -> None:
    survey = ReadOnce(compose, Once())
    assert colour(survey) == "red"

    edit(compose, ".env", "COLOUR=blue\n")

    assert colour(compose) == "blue"
    assert colour(ReadOnce(compose, Once())) == "blue"
    assert colour(survey) == "red"


@DOCKER
def test_a_service_of_a_profile_is_described_only_to_who_asks_for_every_profile(compose: Compose) -> None:
    edit(compose, "compose.yml", SHOP + JOB)
    survey = ReadOnce(compose, Once())

    assert set(survey.describe_all("shop", never)["services"]) == {"web", "job"}
    assert set(survey.describe("shop", never)["services"]) == {"web"}


@DOCKER
def test_a_profile_that_cannot_be_read_keeps_no_other_from_being_read(compose: Compose) -> None:
    edit(compose, "compose.yml", SHOP + JOB.replace("profiles", "env_file: gone.env, profiles"))
    survey = ReadOnce(compose, Once())

    assert set(survey.describe("shop", never)["services"]) == {"web"}
    with pytest.raises(PermanentError, match=r"gone\.env"):
        survey.describe_all("shop", never)


@DOCKER
def test_what_cannot_be_read_is_tried_once(compose: Compose, read: Callable[[], int]) -> None:
    edit(compose, "compose.yml", "services: [")
    survey = ReadOnce(compose, Once())

    for _ in range(3):
        with pytest.raises(PermanentError):
            survey.describe_all("shop", never)

    assert read() == 1


@DOCKER
def test_a_project_that_lies_elsewhere_by_now_is_read_there(compose: Compose) -> None:
    other = compose.folder("shop").parent / "moved"
    other.mkdir()
    (other / "compose.yml").write_text(SHOP)
    (other / ".env").write_text("COLOUR=green\n")
    survey = ReadOnce(compose, Once())
    assert colour(survey) == "red"

    assert colour(survey.knowing({"shop": ComposeFiles(folder="moved")})) == "green"


def test_who_asks_while_another_one_looks_waits_for_the_same_answer() -> None:
    once, looking, go_on, looks = Once(), threading.Event(), threading.Event(), []

    def look() -> int:
        looking.set()
        assert go_on.wait(PATIENCE)
        looks.append(1)
        return 7

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once.of, "x", look)
        assert looking.wait(PATIENCE)
        second = pool.submit(once.of, "x", look)
        go_on.set()
        answers = [first.result(PATIENCE), second.result(PATIENCE)]

    assert (answers, looks) == ([7, 7], [1])
    assert [ANEW.of("x", look), ANEW.empty().of("x", look), once.empty().of("x", look)] == [7, 7, 7]
    assert looks == [1] * 4
