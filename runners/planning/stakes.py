"""What is at stake in a plan, found out by the survey: how it is proven, what is lost (counted), what is kept."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drbot.core.base.errors import CancelledError, DrbotError, UserError
from drbot.core.runbooks.effects import LEADS
from drbot.core.runbooks.runbook import Step
from drbot.core.runs.brought_back import not_raised, put_aside_for_good
from drbot.core.runs.lost import raises_system
from drbot.core.runs.plan import BackupIdentity, Plan, seal_of
from drbot.core.runs.run import Run, StepState
from drbot.core.runs.stakes import (
    Act,
    KeepKind,
    Keeps,
    KeptData,
    Loss,
    LossKind,
    Stakes,
    act_of,
    aside_by,
    kept_by,
    proof_of,
)
from drbot.core.runs.stakes_words import PUT_THERE
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.occupants import Occupant, OccupantKind, names_of
from drbot.core.site.site import Site
from drbot.core.site.wal import is_moment_name
from drbot.core.text.messages import listed, phrase
from drbot.core.text.redaction import Redactor
from drbot.runners.contract.target import Target
from drbot.runners.execution.run_context import WorkerContext
from drbot.runners.execution.settings_seen import services_of
from drbot.runners.foundation.at_once import both
from drbot.runners.foundation.own_record import OwnRun, OwnStep
from drbot.runners.foundation.watching import Cancelled
from drbot.runners.planning.centre_stakes import OUTSIDE, stakes_outside
from drbot.runners.planning.leading_back import NOT_CONTROLLED
from drbot.runners.planning.places import require_kept, settings_place
from drbot.store.runs import runs

Counted = dict[str, int | datetime | None]

NOTHING_DONE = frozenset({StepState.SKIPPED, StepState.UNDONE})
OF_KEPT = frozenset({Act.UNDO, Act.GIVE_UP})
"""These are about data that was kept."""


def stakes_of(
    worker_context: WorkerContext,
    run: Run,
    draft: Plan,
    *,
    age: float | None,
    raises: Collection[str],
    cancelled: Cancelled,
) -> Stakes:
    """All of it. `age`: of the draft's backup, seconds. `raises`: steps that raise the system elsewhere. Raises
    UserError when the kept data it is about is not there, CancelledError, TemporaryError when Docker cannot be asked.
    """
    steps, fingerprint, backup, aside = draft.steps, draft.fingerprint, draft.backup, draft.aside
    act = act_of(steps)
    if act in OUTSIDE:
        proof, keeps = proof_of(steps, act, (), ()), keeps_of(steps, fingerprint, draft.occupants)
        return stakes_outside(worker_context, run, steps, fingerprint, act=act, proof=proof, keeps=keeps)
    kept = _kept(worker_context, run, steps) if act in OF_KEPT and not aside else None
    counting = _Counting(
        target=worker_context.target, redact=worker_context.redact, cancelled=cancelled, now=worker_context.own.now()
    )
    replaced = _replaced(steps)
    is_real = act is Act.RESTORE and draft.mode == "real"
    loss, sound = both(
        lambda: _loss(worker_context, draft, kept, counting, age=age, raises=raises),
        lambda: _sound(worker_context, replaced, cancelled) if is_real else "",
    )
    return Stakes(
        act=act,
        proof=proof_of(steps, act, services_of(worker_context), raises),
        loss=loss,
        keeps=keeps_of(steps, fingerprint, draft.occupants),
        kept=kept.data if kept is not None else None,
        files=_settings_files(worker_context, replaced, backup, kept.data if kept is not None else None, cancelled),
        sound=sound,
    )


def _loss(
    worker_context: WorkerContext,
    draft: Plan,
    kept: "_Kept | None",
    counting: "_Counting",
    *,
    age: float | None,
    raises: Collection[str],
) -> Loss:
    steps, backup, aside = draft.steps, draft.backup, draft.aside
    act = act_of(steps)
    if act is Act.UNDO and kept is not None:
        return counting.since_swap(kept)
    if act is Act.UNDO and aside:
        return _since_aside(worker_context, aside_by(steps)) if draft.occupants else Loss()
    if act is Act.GIVE_UP:
        size = kept.data.size if kept is not None else sum(one.size or 0 for one in aside)
        return Loss(kind=LossKind.KEPT_DATA, bytes=size)
    if backup is None:
        return Loss(kind=LossKind.NOTHING if act is Act.NOTHING else LossKind.UNKNOWN)
    return _loss_by_backup(worker_context, draft, backup, counting, age=age, raises=raises)


def _loss_by_backup(
    worker_context: WorkerContext,
    draft: Plan,
    backup: BackupIdentity,
    counting: "_Counting",
    *,
    age: float | None,
    raises: Collection[str],
) -> Loss:
    act = act_of(draft.steps)
    if act is Act.RESTORE:
        return _by_restore(worker_context.site, counting, _replaced(draft.steps), backup, age)
    if act is Act.REPLACE_HOST:
        return _of_host(worker_context, draft.steps, draft.occupants, backup, age)
    if act is Act.CHANGE_DNS and raises:
        return _of_move(worker_context, draft.steps, backup, age)
    if act is Act.NOTHING and raises_system(
        draft.steps
    ):  # into an empty host: what the lost one had is gone all the same
        return Loss(kind=LossKind.SINCE_BACKUP, since=backup.snapshot_at, seconds=age)
    return Loss(kind=LossKind.NOTHING if act is Act.NOTHING else LossKind.UNKNOWN)


def _replaced(steps: tuple[Step, ...]) -> set[str]:
    return {str(step.with_.get("volume")) for step in steps if step.do == "volume.swap"}


def _sound(worker_context: WorkerContext, replaced: Collection[str], cancelled: Cancelled) -> str:
    """Of the one thing that is replaced; what cannot be looked at holds up nobody."""
    site = worker_context.site
    kinds = {site.place_of(name): (DataKind.FILES, name) for name in site.files}
    kinds |= {site.postgres.volume: (DataKind.POSTGRES, "")} if site.postgres else {}
    kinds |= {site.redis.volume: (DataKind.REDIS, "")} if site.redis else {}
    found = [kinds[volume] for volume in replaced if volume in kinds]
    if len(replaced) != 1 or not found:
        return ""
    try:
        look = worker_context.target.look(cancelled, *found[0], brief=True)
    except CancelledError:
        raise
    except DrbotError:
        return ""
    return look.sentence if look.is_sound else ""


def _by_restore(
    site: Site, counting: "_Counting", replaced: Collection[str], backup: BackupIdentity, age: float | None
) -> Loss:
    """Of what is replaced, and only where that is one thing whose losses drbot can tell."""
    loss = Loss(kind=LossKind.FILES_SINCE_BACKUP, since=backup.snapshot_at, seconds=age)
    files = {settings_place(site), *map(site.place_of, site.files)}
    if site.postgres is not None and replaced == {site.postgres.volume}:
        return counting.since_backup(backup, age)
    if site.redis is not None and replaced == {site.redis.volume} and backup.holds.redis:
        return counting.keys_since_backup(backup, age)
    return loss if files.issuperset(replaced) else Loss(kind=LossKind.UNKNOWN)


def _settings_files(
    worker_context: WorkerContext,
    replaced: Collection[str],
    backup: BackupIdentity | None,
    kept: KeptData | None,
    cancelled: Cancelled,
) -> tuple[str, ...]:
    """Exactly what a swap of the settings, or its undo, puts others in the place of. Raises DrbotError when that cannot
    be seen: then nobody could agree to it.
    """
    place = settings_place(worker_context.site)
    if kept is not None and kept.original == place:
        return worker_context.target.kept_settings(kept.volume, cancelled)
    if backup is None or place not in replaced:
        return ()
    return worker_context.target.other_settings(backup, cancelled)


def _of_host(
    worker_context: WorkerContext,
    steps: tuple[Step, ...],
    occupants: Collection[Occupant],
    backup: BackupIdentity,
    age: float | None,
) -> Loss:
    """What no step fills again is lost whole, also what is older than the backup."""
    volumes = names_of(occupants, OccupantKind.VOLUME)
    gone = put_aside_for_good(steps, worker_context.site, volumes, backup.holds)
    if not any(step.do in PUT_THERE for step in steps):
        return Loss(kind=LossKind.SINCE_BACKUP, gone=gone) if gone else Loss(kind=LossKind.UNKNOWN)
    return Loss(kind=LossKind.SINCE_BACKUP, since=backup.snapshot_at, seconds=age, gone=gone)


def _since_aside(worker_context: WorkerContext, aside_by: str) -> Loss:
    """Everything since the host was put aside; when that was, this worker noted itself."""
    own = worker_context.own.run(aside_by)
    ended = [step.ended_at for step in own.steps.values() if step.does == "host.set_aside"] if own else []
    return Loss(kind=LossKind.SINCE_ASIDE, since=ended[-1] if ended else None)


def _of_move(worker_context: WorkerContext, steps: tuple[Step, ...], backup: BackupIdentity, age: float | None) -> Loss:
    """The same of a lost site, where the new place was raised by drbot's own level 3 from this backup."""
    sites = worker_context.configuration.sites
    there = sites[next(str(step.with_.get("site")) for step in steps if step.do == "dns.change")]
    gone = not_raised(sites.get(backup.site, there), there, backup.holds)
    return Loss(kind=LossKind.SINCE_BACKUP, since=backup.snapshot_at, seconds=age, gone=gone)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    data: KeptData
    is_postgres: bool
    next_transaction: int | None  # PostgreSQL's first after the data was put aside
    rows: Mapping[str, int]  # of the backup that took its place; empty = not known


def _kept(worker_context: WorkerContext, run: Run, steps: tuple[Step, ...]) -> _Kept:
    """By the steps, by the labels of the volume, and by what this worker noted itself: a row may say anything. Raises
    UserError when it is not there.
    """
    names = kept_by(steps)
    if len(names) != 1:
        raise UserError(
            phrase("Planning {runbook}.", runbook=run.runbook),
            phrase("It is about several kept volumes."),
            phrase("Make one runbook for each."),
        )
    there = require_kept(worker_context.target, run.runbook, names[0])
    own = worker_context.own.run(there.run)
    mine = _put_aside(own, names[0])
    facts = mine.facts if mine is not None else {}
    bytes_ = facts.get("kept_bytes")
    since = facts.get("next_transaction") if mine is not None and _is_newest(worker_context, mine) else None
    data = KeptData(
        volume=names[0],
        original=there.original,
        incident=there.incident,
        made_at=there.made_at,
        since=mine.ended_at if mine is not None else None,
        size=int(bytes_) if isinstance(bytes_, (int, float)) else None,
    )
    postgres = worker_context.site.postgres
    return _Kept(
        data=data,
        is_postgres=postgres is not None and postgres.volume == there.original,
        next_transaction=since,
        rows=_rows(worker_context, there.run, own),
    )


def _is_newest(worker_context: WorkerContext, mine: OwnStep) -> bool:
    """Whether what is in place now came by this very step: another cluster counts its own transactions. Of a step whose
    end nobody has seen, or that was only settled as done, it is known what it was to do.
    """
    volume, ended = mine.facts.get("volume"), mine.ended_at
    done = [
        step for _, run in worker_context.own.runs() for step in run.steps.values() if step.state not in NOTHING_DONE
    ]
    moves = [step for step in done if volume in (step.given.get("volume"), step.facts.get("volume"))]
    return ended is not None and all(other.ended_at is not None and other.ended_at <= ended for other in moves)


def _rows(worker_context: WorkerContext, run_id: str, own: OwnRun | None) -> Mapping[str, int]:
    """Of the backup that took the place of the kept data, when the plan in the database is the one made here."""
    if own is None:
        return {}
    with worker_context.database.read() as connection:
        plan = runs.get(connection, run_id).plan
    return plan.backup.rows if plan is not None and own.seal == seal_of(plan) and plan.backup is not None else {}


def _put_aside(known: OwnRun | None, volume: str) -> OwnStep | None:
    """The step by which this worker itself put the data there."""
    for step in known.steps.values() if known is not None else ():
        if volume == step.facts.get("keeper") or volume in dict(step.facts.get("kept", {})).values():
            return step
    return None


class _Counting:
    """Counts on the running production; what cannot be counted says why."""

    def __init__(self, *, target: Target, redact: Redactor, cancelled: Cancelled, now: datetime) -> None:
        self._target = target
        self._redact = redact
        self._cancelled = cancelled
        self._now = now

    def since_swap(self, kept: _Kept) -> Loss:
        """Every row written since the swap, and every row of the backup that is not as it was."""
        if not kept.is_postgres:
            return Loss(kind=LossKind.OTHER_SINCE_SWAP, since=kept.data.since)
        loss = Loss(kind=LossKind.SINCE_SWAP, since=kept.data.since)
        if kept.next_transaction is None:
            return loss.model_copy(
                update={"uncounted": phrase("the first transaction after the swap is not known here")}
            )
        since = kept.next_transaction

        def count() -> Counted:
            written = self._target.written_since(since, self._cancelled)
            removed = written.removed(kept.rows) if kept.rows else None
            return {"rows": written.rows, "bytes": written.bytes, "removed": removed, "counted_at": self._now}

        return self._counted(loss, count)

    def since_backup(self, backup: BackupIdentity, age: float | None) -> Loss:
        """How many rows production holds beyond those of the backup."""
        loss = Loss(kind=LossKind.SINCE_BACKUP, since=backup.snapshot_at, seconds=age)
        if is_moment_name(backup.name):
            why = phrase("the rows of that moment are counted in the copy alone")
            return loss.model_copy(update={"uncounted": why})
        if not backup.manifest:  # its rows are known when it is restored
            return loss.model_copy(update={"uncounted": phrase("the backup has no manifest")})

        def count() -> Counted:
            rows = self._target.rows(self._cancelled)
            more = sum(max(0, number - backup.rows.get(table, 0)) for table, number in rows.items())
            return {"rows": more, "counted_at": self._now}

        return self._counted(loss, count)

    def keys_since_backup(self, backup: BackupIdentity, age: float | None) -> Loss:
        """How many keys Redis holds now, beside those of the backup."""
        then = backup.holds.keys
        loss = Loss(kind=LossKind.KEYS_SINCE_BACKUP, since=backup.snapshot_at, seconds=age, keys_then=then)
        return self._counted(loss, lambda: {"keys": self._target.keys(), "counted_at": self._now})

    def _counted(self, loss: Loss, count: Callable[[], Counted]) -> Loss:
        try:
            return loss.model_copy(update=count())
        except CancelledError:
            raise
        except DrbotError as error:
            return loss.model_copy(update={"uncounted": self._redact(str(error))})


def keeps_of(steps: tuple[Step, ...], fingerprint: Mapping[str, Any], occupants: Collection[Occupant]) -> Keeps:
    """What there is to go back to, by all the steps that destroy: they do the same kind of act."""
    destroying = [step for step in steps if step.effect == "destroy"]
    kept: dict[KeepKind, list[str]] = {}
    for step in destroying:
        if step.do in LEADS:
            kept[KeepKind.RECORDS] = _led(fingerprint)
        elif step.do == "volume.swap":
            kept.setdefault(KeepKind.VOLUME, []).append(str(step.with_["keeper"]))
        elif step.do == "host.set_aside":
            kept[KeepKind.ASIDE] = [one.keeper for one in occupants]
        elif step.do == "volume.swap_back":
            kept.setdefault(KeepKind.IN_PLACE, []).append(str(step.with_["replacement"]))
    if len(kept) != 1:
        return Keeps()
    ((kind, names),) = kept.items()
    return Keeps(kind=kind, names=tuple(names))


def _led(fingerprint: Mapping[str, Any]) -> list[str]:
    """Where each name leads now. Raises UserError when that was not seen: nothing could lead them back."""
    records = fingerprint.get("records")
    if not isinstance(records, Mapping):
        raise UserError(
            phrase("Planning where DNS points."),
            phrase("Where DNS points now could not be read: {why}.", why=str(records or NOT_CONTROLLED)),
            phrase("Let the control site's worker do it, and correct `dns` in dr.yml."),
        )
    return [phrase("{name} → {addresses}", name=name, addresses=_leads_to(record)) for name, record in records.items()]


def _leads_to(record: Mapping[str, Any] | str) -> str:
    return record if isinstance(record, str) else listed(record["addresses"])
