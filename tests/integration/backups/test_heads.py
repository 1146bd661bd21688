"""The ledger's head in S3: written when it moved, locked, and enough to find a roll-back."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from core.events import EventKind
from core.ledger import Known
from runners.heads import FOLDER, Heads
from store import journal
from store.database import Database
from tests.integration.backups.conftest import Place


def test_each_new_head_is_an_object_of_its_own_and_shows_a_roll_back(place: Place, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'state.db'}")
    database.migrate()
    client = place.client()
    heads = Heads(database, client)
    for number in (1, 2):
        with database.write() as tx:
            tx.record(EventKind.INCIDENT_NOTE, text=f"{number}")
        assert heads.keep() is not None
    assert heads.keep() is None

    kept = client.list(FOLDER)
    assert [one.key.removeprefix(FOLDER)[:12] for one in kept] == ["000000000001", "000000000002"]
    newest = json.loads(client.read(kept[-1].key))["head"]
    version = client.head(kept[-1].key).version
    with pytest.raises(ClientError, match="AccessDenied"):
        client.client.delete_object(
            Bucket=client.settings.bucket, Key=client.settings.prefix + kept[-1].key, VersionId=version
        )
    earlier = Database(f"sqlite:///{tmp_path / 'earlier.db'}")
    earlier.migrate()
    with database.read() as now, earlier.read() as then:
        assert journal.verify(now, Known(newest)) == []
        assert journal.verify(then) == []
        assert "rolled back" in journal.verify(then, Known(newest))[0]
    database.close()
    earlier.close()
