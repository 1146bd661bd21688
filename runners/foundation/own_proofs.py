"""Which backups this worker's own host has seen come back, and which not: what the database says about that stands on
no card, and decides nothing.
"""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pydantic import Field, TypeAdapter

from drbot.core.base.model import Model
from drbot.core.site.proofs import WELL, BackupProof, ProofResult, of_the_same
from drbot.core.text.stored_messages import message_of_row, text_of_row
from drbot.runners.foundation.own_record import FOLDER
from drbot.runners.foundation.private_folder import PrivateFolder

PROOFS = "proofs.json"
FAILURES = "failures.json"
MOST = 500  # the newest: a backup is made, proven, and gone one day
TRIED = TypeAdapter(list[BackupProof])


class OwnCopy(Model):
    """The same bytes in another place, read to their end."""

    read_at: datetime
    fault: str = ""  # why they are not; "" = they are


class OwnProof(Model):
    """Exactly these bytes were restored beside production, all of them."""

    sha256: str  # as a plan names them
    proven_at: datetime
    seconds: float
    copies: dict[str, OwnCopy] = Field(default_factory=dict)  # by their place


class OwnProofs:
    """Safe to use from several threads and processes of one host."""

    def __init__(self, home: Path) -> None:
        self._files = PrivateFolder(home / FOLDER)

    def note(self, proof: OwnProof) -> None:
        """In place of an earlier one of the same bytes."""
        with self._files.locked():
            others = [one for one in self._all() if one.sha256 != proof.sha256]
            self._files.write(PROOFS, [one.model_dump(mode="json") for one in (*others, proof)[-MOST:]])

    def note_copy(self, sha256: str, place: str, copy: OwnCopy) -> None:
        """Of bytes that were restored."""
        known = self.of(sha256)
        if known is not None:
            self.note(known.model_copy(update={"copies": {**known.copies, place: copy}}))

    def of(self, sha256: str) -> OwnProof | None:
        """None: they were never restored here."""
        return next((one for one in self._all() if one.sha256 == sha256), None)

    def tried(self, proof: BackupProof) -> None:
        """The last word about these bytes in this place: kept where they failed, forgotten where they came back."""
        with self._files.locked():
            known = self.failures()
            others = [one for one in known if not of_the_same(one, proof)]
            if proof.result is ProofResult.FAILED:
                self._keep([*others, proof][-MOST:])
            elif proof.result in WELL and others != known:
                self._keep(others)

    def failures(self) -> list[BackupProof]:
        """What could not be restored the last time that this host tried. Raises PermanentError."""
        found = TRIED.validate_python(self._files.read(FAILURES) or [])
        return [replace(one, fault=message_of_row(one.fault)) for one in found]

    def _keep(self, failures: list[BackupProof]) -> None:
        """Why each failed as a sentence of every language: cards quote it."""
        plain = [replace(one, fault=text_of_row(one.fault)) for one in failures]
        self._files.write(FAILURES, TRIED.dump_python(plain, mode="json"))

    def _all(self) -> list[OwnProof]:
        return [OwnProof.model_validate(one) for one in self._files.read(PROOFS) or []]
