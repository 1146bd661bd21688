"""Remembers the old data that a swap put aside, so that `/dr kept` and `/dr undo` find it."""

from collections.abc import Mapping
from typing import Any

from core.run import Run
from core.runbook import Step
from store import kept
from store.database import Transaction


def keep(tx: Transaction, run: Run, step: Step, facts: Mapping[str, Any]) -> None:
    """In the transaction that finishes a swap."""
    arguments = step.with_
    if step.do == "volume.swap":
        _add(tx, run, step.id, str(arguments["keeper"]), str(arguments["volume"]), facts)
    elif step.do == "host.set_aside":
        for original, keeper in facts.get("kept", {}).items():
            _add(tx, run, step.id, str(keeper), str(original), {})
    elif step.do == "volume.swap_back":
        _gone(tx, run, str(arguments["keeper"]), "brought back")
        _add(tx, run, step.id, str(arguments["replacement"]), str(arguments["volume"]), facts)


def unkeep(tx: Transaction, run: Run, step: Step) -> None:
    """In the transaction that records the undo of a swap: the kept data is in place again."""
    if step.do == "volume.swap":
        _gone(tx, run, str(step.with_["keeper"]), "brought back by the undo of the step")


def _add(tx: Transaction, run: Run, step_id: str, volume: str, original: str, facts: Mapping[str, Any]) -> None:
    if any(there.volume == volume for there in kept.list_of(tx.connection, run.site)):
        return
    size = facts.get("kept_bytes")
    row = kept.Kept(
        site=run.site,
        incident=run.incident,
        run=run.id,
        volume=volume,
        original=original,
        size_bytes=int(size) if isinstance(size, (int, float)) else None,
        created_at=tx.now,
    )
    kept.add(tx, row, from_step=step_id)


def _gone(tx: Transaction, run: Run, volume: str, why: str) -> None:
    for there in kept.list_of(tx.connection, run.site):
        if there.volume == volume:
            kept.moved(tx, there.id, None, why)
