"""What this host could not restore is remembered with why, in the words of whoever reads it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from drbot.core.site.proofs import BackupProof, ProofResult
from drbot.core.site.stored_backups import BackupKind
from drbot.core.text.messages import phrase, say
from drbot.runners.foundation.own_proofs import OwnProofs

CUT_OFF = phrase("{name} is cut off: the file ends in the middle after {size}", name="dump", size="1 kB")


@pytest.mark.parametrize(
    "fault", [CUT_OFF, "psql said so", '{"say": "no message of ours"}'], ids=["ours", "plain", "json"]
)
def test_why_a_backup_failed_is_told_in_every_language_by_another_process_too(tmp_path: Path, fault: str) -> None:
    failed = BackupProof(
        site="production", kind=BackupKind.POSTGRES, name="dump", place="file:/srv", mark="1", sha256="",
        proven_at=datetime(2026, 1, 5, tzinfo=UTC), seconds=1.0, version="1", result=ProofResult.FAILED, fault=fault,
    )  # fmt: skip

    OwnProofs(tmp_path).tried(failed)

    (known,) = OwnProofs(tmp_path).failures()
    assert known == failed
    assert say(known.fault, "ja") == say(fault, "ja")
