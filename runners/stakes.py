"""What is at stake in a plan, found out by the survey: how it is proven, what is lost (counted), what is kept."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from core.errors import CancelledError, DrbotError, UserError
from core.plan import BackupIdentity, seal_of
from core.redaction import Redactor
from core.run import Run
from core.runbook import Step
from core.stakes import Act, KeepKind, Keeps, KeptData, Loss, LossKind, Stakes, act_of, proof_of
from runners.own_record import OwnRun, OwnStep
from runners.walk import Equipment
from runners.world import World
from store import kept, runs
from store.kept import Kept

Cancelled = Callable[[], bool]
Counted = dict[str, int | datetime | None]

OF_BACKUP = frozenset({Act.RESTORE, Act.REPLACE_HOST, Act.CHANGE_DNS, Act.SEVERAL})
"""After these the system goes on with the data of a backup."""
OF_KEPT = frozenset({Act.UNDO, Act.GIVE_UP})
"""These are about data that was kept."""


def stakes_of(
    equipment: Equipment,
    run: Run,
    steps: tuple[Step, ...],
    fingerprint: Mapping[str, Any],
    *,
    backup: BackupIdentity | None,
    loss_seconds: float | None,
    now: datetime,
    cancelled: Cancelled,
) -> Stakes:
    """All of it. Raises UserError when the kept data it is about is not there, CancelledError, TemporaryError when
    Docker or the database cannot be asked.
    """
    act = act_of(steps)
    there, before = _kept(equipment, run)
    if act in OF_KEPT and there is None:
        raise UserError(
            f"Planning {run.runbook}.",
            f"The kept data {run.arguments.get('keeper', '')} is not there any more.",
            "See: /dr kept",
        )
    data = _kept_data(equipment.world, there)
    counting = _Counting(world=equipment.world, redact=equipment.redact, cancelled=cancelled)
    if act is Act.UNDO and there is not None:
        loss = counting.since_swap(there, before, now)
    elif act is Act.GIVE_UP and there is not None:
        loss = Loss(kind=LossKind.KEPT_DATA, bytes=there.size_bytes)
    elif act is Act.RESTORE and backup is not None:
        loss = counting.since_backup(backup, loss_seconds, now)
    elif act in OF_BACKUP and backup is not None:
        loss = Loss(kind=LossKind.SINCE_BACKUP, since=backup.snapshot_at, seconds=loss_seconds)
    else:
        loss = Loss(kind=LossKind.NOTHING if act is Act.NOTHING else LossKind.UNKNOWN)
    return Stakes(
        act=act,
        proof=proof_of(steps, act),
        loss=loss,
        keeps=keeps_of(steps, fingerprint, equipment.world),
        kept=data,
    )


def _kept(equipment: Equipment, run: Run) -> tuple[Kept | None, Mapping[str, int]]:
    """The kept data this run is about, and the rows of the backup that took its place."""
    name = run.arguments.get("keeper")
    if not name:
        return None, {}
    with equipment.database.read() as connection:
        there = next((one for one in kept.list_of(connection, run.site) if one.volume == name), None)
        from_run = runs.get(connection, there.run) if there else None
    if there is None or from_run is None:
        return None, {}
    own = equipment.own.run(there.run)
    mine = _put_aside(own, there.volume)
    if mine is None:  # a row may say anything
        return replace(there, next_transaction=None, size_bytes=None), {}
    bytes_ = mine.facts.get("kept_bytes")
    known = replace(
        there,
        next_transaction=mine.facts.get("next_transaction"),
        size_bytes=int(bytes_) if isinstance(bytes_, (int, float)) else None,
        created_at=mine.ended_at or there.created_at,
    )
    plan = from_run.plan
    is_ours = plan is not None and own is not None and own.seal == seal_of(plan)
    return known, plan.backup.rows if is_ours and plan is not None and plan.backup else {}


def _put_aside(known: OwnRun | None, volume: str) -> OwnStep | None:
    """The step by which this worker itself put the data there."""
    for step in known.steps.values() if known is not None else ():
        if volume == step.facts.get("keeper") or volume in dict(step.facts.get("kept", {})).values():
            return step
    return None


def _kept_data(world: World, there: Kept | None) -> KeptData | None:
    if there is None:
        return None
    return KeptData(
        volume=there.volume,
        original=there.original,
        incident=there.incident,
        made_at=world.made_at(there.volume),
        since=there.created_at,
        size=there.size_bytes,
    )


class _Counting:
    """Counts on the running production; what cannot be counted says why."""

    def __init__(self, *, world: World, redact: Redactor, cancelled: Cancelled) -> None:
        self._world = world
        self._redact = redact
        self._cancelled = cancelled

    def since_swap(self, there: Kept, before: Mapping[str, int], now: datetime) -> Loss:
        """Every row written since the swap, and every row of the backup that is not as it was."""
        loss = Loss(kind=LossKind.SINCE_SWAP, since=there.created_at)
        if there.next_transaction is None:
            return loss.model_copy(update={"uncounted": "the first transaction after the swap is not known here"})
        since = there.next_transaction

        def count() -> Counted:
            written = self._world.written_since(since, self._cancelled)
            removed = written.removed(before) if before else None
            return {"rows": written.rows, "bytes": written.bytes, "removed": removed, "counted_at": now}

        return self._counted(loss, count)

    def since_backup(self, backup: BackupIdentity, seconds: float | None, now: datetime) -> Loss:
        """How many rows production holds beyond those of the backup."""
        loss = Loss(kind=LossKind.SINCE_BACKUP, since=backup.snapshot_at, seconds=seconds)
        if not backup.manifest:  # its rows are known when it is restored
            return loss.model_copy(update={"uncounted": "the backup has no manifest"})

        def count() -> Counted:
            rows = self._world.rows(self._cancelled)
            more = sum(max(0, number - backup.rows.get(table, 0)) for table, number in rows.items())
            return {"rows": more, "counted_at": now}

        return self._counted(loss, count)

    def _counted(self, loss: Loss, count: Callable[[], Counted]) -> Loss:
        try:
            return loss.model_copy(update=count())
        except CancelledError:
            raise
        except DrbotError as error:
            return loss.model_copy(update={"uncounted": self._redact(str(error))})


def keeps_of(steps: tuple[Step, ...], fingerprint: Mapping[str, Any], world: World) -> Keeps:
    """What there is to go back to, by the steps that destroy."""
    for step in steps:
        if step.do == "dns.change":
            return Keeps(kind=KeepKind.RECORDS, names=_led(fingerprint))
        if step.do == "volume.swap":
            return Keeps.volume(str(step.with_["keeper"]))
        if step.do == "host.set_aside":
            names = world.data_there()
            return Keeps(kind=KeepKind.ASIDE, names=tuple(f"{name}{step.with_['keeper']}" for name in names))
        if step.do == "volume.swap_back":
            return Keeps(kind=KeepKind.IN_PLACE, names=(str(step.with_["replacement"]),))
    return Keeps()


def _led(fingerprint: Mapping[str, Any]) -> tuple[str, ...]:
    records = fingerprint.get("records")
    if not isinstance(records, Mapping):
        return (str(records),)
    return tuple(
        f"{name} → {record if isinstance(record, str) else ', '.join(record['addresses'])}"
        for name, record in records.items()
    )
