"""drbot is watched as it really is: figures of a real state, over HTTP, and it says so when it does not work."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from drbot.core.base.heart import Heart
from drbot.core.site.site import Targets
from drbot.listening.heartbeat import keep_beating
from drbot.listening.metrics import StateCollector
from drbot.listening.watching import DEAD_SECONDS, SLOW_SECONDS, watching
from drbot.store.base.database import Database
from drbot.store.base.schema import runs as run_rows
from drbot.store.records import surfaces
from tests.integration.runners.worker_fixture import WorkerFixture
from tests.listeners import answers, listening
from tests.servers import free_port
from tests.waiting import PATIENCE, Clock, wait_for
from tests.web_servers import serving


def watched(database: Database, heart: Heart) -> AbstractContextManager[httpx.Client]:
    """A client of one that listens."""
    return listening(watching(database, Targets(), heart))


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Name and labels → value."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_prometheus_is_told_of_runs_steps_the_queue_and_what_slack_has_not_been_shown(
    worker_fixture: WorkerFixture,
) -> None:
    worker_fixture.target.volumes["postgres_data"] = "good"
    worker_fixture.target.running.discard("auth")
    done = worker_fixture.go(worker_fixture.declare(1, "auth"))
    waiting = worker_fixture.declare()
    with worker_fixture.database.write() as tx:
        long_ago = tx.now - timedelta(seconds=90)
        tx.connection.execute(update(run_rows).where(run_rows.c.id == waiting.id).values(queued_at=long_ago))

    with watched(worker_fixture.database, Heart()) as client:
        answer = client.get("/metrics")
        found = samples(answer.text)

    assert answer.headers["content-type"].startswith("text/plain")
    of_run = (("runbook", "level1-service"), ("site", "production"), ("state", worker_fixture.run(done).state.value))
    assert found["drbot_runs", of_run] == 1
    restart = (("runbook", "level1-service"), ("step", "restart"))
    assert found["drbot_step_seconds_count", restart] == 1
    assert found["drbot_step_seconds_sum", restart] == worker_fixture.step(done, "restart").seconds
    assert 90 <= found["drbot_queue_age_seconds", (("site", "production"),)] < 90 + PATIENCE
    assert found["drbot_publisher_lag_records", ()] > 0
    assert found["drbot_state_answers", ()] == 1
    assert ("process_start_time_seconds", ()) in found


def test_what_was_shown_is_no_lag_any_more(worker_fixture: WorkerFixture) -> None:
    worker_fixture.declare()
    with worker_fixture.database.write() as tx:
        surfaces.advance(tx, "publisher", 10_000)

    found = collected(worker_fixture.database)

    assert (found["drbot_publisher_lag_records", ()], found["drbot_publisher_lag_seconds", ()]) == (0, 0)


def test_the_rto_of_an_open_incident_runs_down_and_below(worker_fixture: WorkerFixture) -> None:
    run = worker_fixture.declare()
    began = worker_fixture.incident(run).started_at

    found = collected(worker_fixture.database, lambda: began + timedelta(hours=5))

    labels = (("incident", "DR-1"), ("level", "2"), ("site", "production"))
    assert found["drbot_incident_seconds", labels] == 5 * 3600
    assert found["drbot_rto_left_seconds", labels] == -3600


def collected(
    database: Database, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    registry = CollectorRegistry()
    registry.register(StateCollector(database, Targets(), now))
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in registry.collect()
        for one in family.samples
    }


def test_a_state_that_does_not_answer_is_told_and_the_process_is_not_ready(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}")  # a folder

    with watched(database, Heart()) as client:
        assert client.get("/healthz").status_code == 200  # another start would change nothing
        ready, metrics = client.get("/readyz"), client.get("/metrics")

    assert (ready.status_code, "does not answer" in ready.text) == (503, True)
    assert samples(metrics.text)["drbot_state_answers", ()] == 0


def test_a_loop_that_stands_still_makes_a_process_not_ready_and_then_not_alive(worker_fixture: WorkerFixture) -> None:
    clock = Clock()
    heart = Heart(clock)
    heart.beat("ticker")
    with watched(worker_fixture.database, heart) as client:
        assert client.get("/readyz").text == "ok\n"

        clock.seconds = SLOW_SECONDS + 1
        heart.beat("publisher")
        assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 503]
        assert "ticker" in client.get("/readyz").text
        assert "publisher" not in client.get("/readyz").text

        clock.seconds = DEAD_SECONDS + 1
        assert client.get("/healthz").status_code == 503

        heart.beat("ticker")
        heart.beat("publisher")
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed_there(worker_fixture: WorkerFixture, method: str) -> None:
    with watched(worker_fixture.database, Heart()) as client:
        assert {client.request(method, path).status_code for path in ("/healthz", "/readyz", "/metrics")} == {405}


class Switch(BaseHTTPRequestHandler):
    """A dead man's switch."""

    heard = 0

    def do_GET(self) -> None:
        Switch.heard += 1
        self.send_response(200)
        self.end_headers()


class Asked(Heart):
    """Counts how often it was asked."""

    asked = 0

    def standing(self, seconds: float) -> tuple[str, ...]:
        self.asked += 1
        return super().standing(seconds)


@pytest.mark.parametrize("stands", [False, True], ids=["alive", "a loop stands still"])
def test_a_dead_mans_switch_hears_only_a_drbot_that_works(worker_fixture: WorkerFixture, stands: bool) -> None:
    clock, stop = Clock(), threading.Event()
    heart, Switch.heard = Asked(clock), 0
    heart.beat("ticker")
    clock.seconds = DEAD_SECONDS + 1 if stands else 0.0
    with serving(Switch) as port:
        url = f"http://127.0.0.1:{port}/secret"
        thread = threading.Thread(target=keep_beating, args=(url, worker_fixture.database, heart, stop))
        thread.start()
        wait_for(lambda: heart.asked if stands else Switch.heard, PATIENCE, "a turn of the heartbeat")
        stop.set()
        thread.join(PATIENCE)

    assert Switch.heard == (0 if stands else 1)


DR_YML = """
system: shop
sites: {production: {projects: ., services: {}}}
backups: {directory: .}
"""


def test_a_worker_is_watched_at_the_port_that_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "dr.yml").write_text(DR_YML)
    port = free_port()
    words = ["worker", "--config", "dr.yml", "--home", "home", "--watch", str(port)]
    with subprocess.Popen([sys.executable, "-m", "drbot.cli.main", *words], cwd=tmp_path) as worker:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            wait_for(lambda: answers(client), PATIENCE, "the worker's listener")
            ready, figures = client.get("/readyz"), client.get("/metrics")
        worker.send_signal(signal.SIGTERM)

    assert worker.returncode == 0
    assert (ready.status_code, samples(figures.text)["drbot_state_answers", ()]) == (200, 1)
