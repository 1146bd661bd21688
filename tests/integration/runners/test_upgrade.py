"""A state that an earlier drbot left in the middle of an incident is taken up by this one.

state_of_v1: what commit 4355cd12 (tables v1) wrote, with its own tests' fixture, when its worker died in the restore
beside and people were asked how to go on; the database as SQL, and the worker's own record beside it.
"""

import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.commands.dispatch import dispatch
from drbot.commands.facts.context import context_of
from drbot.commands.speech.messages import Request
from drbot.core.approvals.approval import EntryPoint
from drbot.core.runs.run import RunState
from drbot.core.site.configuration import Loaded
from drbot.core.text.messages import say
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.store.base import ledger
from drbot.store.base.database import NEWEST
from drbot.store.base.doorbell import doorbell_of
from tests.integration.runners.worker_fixture import WorkerFixture, configuration_in, worker_fixture_in

RUN = "r1-20261201-013847-26e4"
ASKED_AT = "2026-12-01T01:38:47.472049Z"
BEFORE = Path(__file__).parent / "state_of_v1"


@pytest.fixture
def upgraded(tmp_path: Path) -> WorkerFixture:
    """Today's drbot on that state."""
    shutil.copytree(BEFORE / "worker", tmp_path / "worker")
    state = sqlite3.connect(tmp_path / "state.db")
    state.executescript((BEFORE / "state.sql").read_text())
    now = datetime.now(UTC)  # people have half an hour to vote, by the database and by the worker's own record
    state.execute("UPDATE requests SET expires_at = ?", [f"{now + timedelta(minutes=30):%F %T.%f}"])
    state.commit()
    state.close()
    own = tmp_path / "worker" / "runs" / f"{RUN}.json"
    own.write_text(own.read_text().replace(ASKED_AT, now.isoformat()))
    made = worker_fixture_in(tmp_path)
    sealed = configuration_in(Path("/backups")).model_copy(update={"runbooks": Path("/tmp/before/runbooks")})
    made.worker_context = replace(made.worker_context, configuration=sealed, key=TotpSecrets(tmp_path).key())
    return made


def test_its_tables_are_brought_up_to_date_and_its_ledger_is_whole(upgraded: WorkerFixture) -> None:
    with upgraded.database.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == NEWEST
        assert ledger.verify(connection) == []


def test_its_incident_is_shown_with_what_people_are_asked(upgraded: WorkerFixture) -> None:
    loaded = Loaded(configuration=upgraded.worker_context.configuration)
    context = context_of(upgraded.database, doorbell_of(None), loaded)
    aiko = upgraded.worker_context.roster.person("aiko")
    request = Request(
        verb_text="status", person=aiko, account=None, channel=None, entry_point=EntryPoint.TERMINAL,
        at=upgraded.incident(upgraded.run(RUN)).started_at,
    )  # fmt: skip

    reply = dispatch(context, request)

    assert "DR-1" in say(reply.text, "en")
    assert {"settle DR-1 restore-beside retry"} <= {choice.command for choice in reply.choices}


def test_its_run_goes_on_to_its_end(upgraded: WorkerFixture) -> None:
    run = upgraded.run(RUN)
    assert run.state is RunState.NEEDS_DECISION

    upgraded.settle(run, "restore-beside", "retry")
    assert upgraded.go(run).state is RunState.WAITING
    upgraded.approve(run)
    assert upgraded.go(run).state is RunState.WAITING
    upgraded.answer(run)

    assert upgraded.go(run).state is RunState.SUCCEEDED
    assert set(upgraded.states(run).values()) == {"succeeded"}
    with upgraded.database.read() as connection:
        assert ledger.verify(connection) == []
