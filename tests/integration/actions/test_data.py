"""What keeps the data is asked on a real lab: stores that do not answer, files and settings that are gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from drbot.lab.layout import part
from drbot.runners.actions import data
from drbot.runners.contract.action import StepContext
from tests.integration.actions.conftest import WorkerFixture
from tests.labs import wait_until_faultless

pytestmark = pytest.mark.docker


def stores(context: StepContext) -> tuple[str, str]:
    """The volumes of PostgreSQL and Redis."""
    postgres, redis = context.site.postgres, context.site.redis
    assert postgres is not None and redis is not None
    return postgres.volume, redis.volume


def test_a_system_that_works_answers_for_all_its_data(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("verify")

    found = data.answers(context, {})

    assert found.passed, found.sentence
    assert {*stores(context), *context.site.file_volumes, str(context.site.projects.absolute())} <= {
        *data.asked_of(context, {})
    }
    assert float(data.wait(context, {"within": "1m"}).facts["seconds"]) < 30


@contextmanager
def stopped(worker_fixture: WorkerFixture, name: str) -> Iterator[None]:
    """One of the stores does not run."""
    with worker_fixture.lab.client() as client:
        container = worker_fixture.lab.container(client, part(name))
        assert container is not None
        container.stop()
        yield
        container.start()
    wait_until_faultless(worker_fixture.lab)


@pytest.mark.parametrize(("store", "title"), [("postgres", "PostgreSQL"), ("redis", "Redis")])
def test_a_store_that_does_not_run_does_not_answer_and_the_other_does(
    worker_fixture: WorkerFixture, store: str, title: str
) -> None:
    context = worker_fixture.context("verify")
    broken, well = stores(context) if store == "postgres" else stores(context)[::-1]

    with stopped(worker_fixture, store):
        data.wait(context, {"volume": broken, "within": "1s"})  # it waits, and leaves the verdict to the check
        found = data.answers(context, {"volume": broken})
        assert not found.passed and found.sentence.startswith(f"{title} does not answer: ")
        assert found.broken == (broken,)
        assert data.answers(context, {"volume": well}).passed
        assert not data.answers(context, {}).passed


def test_files_that_are_not_there_do_not_work(worker_fixture: WorkerFixture, tmp_path: Path) -> None:
    context = worker_fixture.context("verify")
    elsewhere = replace(context, site=context.site.model_copy(update={"projects": tmp_path}))

    for place in ("no-such-volume", str(tmp_path / "files")):
        assert data.answers(elsewhere, {"volume": place}).sentence == f"{place}: it is missing"
    (tmp_path / "files").mkdir()
    assert data.answers(elsewhere, {"volume": str(tmp_path / "files")}).passed


def test_settings_that_compose_cannot_read_are_said_to_be_unusable(worker_fixture: WorkerFixture) -> None:
    context = worker_fixture.context("verify")
    file = worker_fixture.lab.project(part("auth")) / "docker-compose.yml"

    kept = file.rename(file.with_suffix(".kept"))
    found = data.answers(context, {"volume": str(context.site.projects.absolute())})
    kept.rename(file)

    assert not found.passed and found.sentence.startswith("The settings cannot be used: ")
