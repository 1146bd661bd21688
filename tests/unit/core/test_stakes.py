"""What the gates of a plan prove: each gate before what is destroyed, and no other."""

import pytest

from drbot.core.runbooks.runbook import Gate, Step
from drbot.core.runs.stakes import Act, ProofKind, proof_of

COPY = Step(id="copy", title={"en": "Copy"}, do="postgres.restore_beside")
SWAP = Step(id="swap", title={"en": "Swap"}, do="volume.swap", effect="destroy")
FETCH = Step(id="fetch", title={"en": "Fetch"}, do="backup.fetch")


def gate(name: str, before: str, *proofs: str) -> Step:
    return Step(id=name, title={"en": name}, gate=Gate.model_validate({"for": (before,), "proof": proofs}))


@pytest.mark.parametrize(
    ("gates", "proven"),
    [
        ([gate("approval", "swap", "copy")], ProofKind.BESIDE),
        ([gate("about-dr-yml", "fetch"), gate("approval", "swap", "copy")], ProofKind.BESIDE),
        ([gate("about-dr-yml", "fetch", "fetch"), gate("approval", "swap", "copy")], ProofKind.BESIDE),
        ([gate("approval", "swap", "copy"), gate("another", "swap", "fetch")], ProofKind.CHECKED),
        ([gate("approval", "swap", "copy"), gate("another", "swap")], ProofKind.NONE),
        ([gate("about-dr-yml", "fetch", "copy"), gate("approval", "swap")], ProofKind.NONE),
        ([gate("about-dr-yml", "fetch", "copy")], ProofKind.NONE),
    ],
)
def test_only_gates_before_what_is_destroyed_count_and_all_of_them(gates: list[Step], proven: ProofKind) -> None:
    assert proof_of((COPY, FETCH, SWAP, *gates), Act.RESTORE, (), ()) is proven
