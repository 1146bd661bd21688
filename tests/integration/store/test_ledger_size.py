"""A ledger of 100,000 records: how long `drbot audit verify` takes for the state and for an export."""

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drbot.cli.audit import audit_app
from drbot.core.ledger.events import EventKind
from drbot.store.base.database import Database

RECORDS, AT_ONCE = 100_000, 2_000
ENOUGH_SECONDS = 120  # a few seconds on an idle machine


@pytest.mark.long
def test_a_hundred_thousand_records_are_verified_and_one_changed_byte_is_found(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'drbot.db'}")
    database.migrate()
    for first in range(0, RECORDS, AT_ONCE):
        with database.write() as tx:
            for number in range(first, first + AT_ONCE):
                tx.record(
                    EventKind.INCIDENT_NOTE, incident=number % 7, run="r1", text=f"Zeile {number} 復元", share=0.5
                )
    database.close()
    runner, environment = CliRunner(), {"DATABASE_URL": f"sqlite:///{tmp_path / 'drbot.db'}"}

    began = time.monotonic()
    state = runner.invoke(audit_app, ["verify"], env=environment)
    state_seconds = time.monotonic() - began
    file = tmp_path / "export.jsonl"
    file.write_text(runner.invoke(audit_app, ["export"], env=environment).stdout)
    began = time.monotonic()
    export = runner.invoke(audit_app, ["verify", str(file)])
    export_seconds = time.monotonic() - began
    print(f"{RECORDS:,} records: state {state_seconds:.1f} s, export {export_seconds:.1f} s")

    assert state.exit_code == export.exit_code == 0, state.output + export.output
    assert "100,000 records, intact, in" in export.output
    assert max(state_seconds, export_seconds) < ENOUGH_SECONDS
    content = file.read_text()
    file.write_text(content.replace("Zeile 77777 ", "Zeile 77778 "))
    changed = runner.invoke(audit_app, ["verify", str(file)])
    assert changed.exit_code == 1
    assert "Record 77778 was changed" in changed.output
