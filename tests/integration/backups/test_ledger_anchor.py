"""The ledger's head in S3: written when it moved, locked, and enough to find a roll-back."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from drbot.core.base.signing import KeyPair
from drbot.core.ledger.events import EventKind
from drbot.core.ledger.ledger import Known
from drbot.core.ledger.statements import statement_in
from drbot.runners.own_state.ledger_anchor import LedgerAnchor
from drbot.runners.own_state.state_bucket import HEAD, HEADS, named
from drbot.store.base import ledger
from drbot.store.base.database import Database
from tests.integration.backups.conftest import Place


def test_each_new_head_is_an_object_of_its_own_and_shows_a_roll_back(place: Place, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    client = place.client()
    pair = KeyPair.new()
    anchor = LedgerAnchor(database, client, pair)
    for number in (1, 2):
        with database.write() as tx:
            tx.record(EventKind.INCIDENT_NOTE, text=f"{number}")
        assert anchor.keep() is not None
    assert anchor.keep() is None

    newest, first = (one.stored for one in named(HEAD, client.list(HEADS)))
    said = statement_in(client.read(newest.key).removesuffix(b"\n"))
    assert statement_in(client.read(first.key).removesuffix(b"\n")).ledger == said.ledger
    assert (said.seq, said.key) == (2, pair.public)
    version = client.head(newest.key).version
    with pytest.raises(ClientError, match="AccessDenied"):
        client.client.delete_object(
            Bucket=client.settings.bucket, Key=client.settings.prefix + newest.key, VersionId=version
        )
    earlier = Database(f"sqlite:///{tmp_path / 'earlier.db'}")
    earlier.migrate()
    with database.read() as now, earlier.read() as then:
        assert ledger.verify(now, Known(f"{said.seq}:{said.hash}")) == []
        assert ledger.verify(then) == []
        assert "rolled back" in ledger.verify(then, Known(f"{said.seq}:{said.hash}"))[0]
    database.close()
    earlier.close()
