"""A target that lives in memory: the same names of actions and probes as the real registry, and the same Target.

Tests hold an action to look at the moment, break something, or replace what the plan was made for.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from drbot.core.base.errors import BackupError, CancelledError, PermanentError, TemporaryError, UserError
from drbot.core.runs.plan import BackupIdentity, Holds
from drbot.core.site.data_kinds import DataKind
from drbot.core.site.inventory import Inventory
from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.core.site.old_server import OldServer
from drbot.runners.actions import putting_back, setting_aside
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.postgres_written import Written
from drbot.runners.contract.action import Action, Finding, Outcome, ProbeFunction, Registry, StepContext, Subjects
from drbot.runners.contract.target import Broken, Chosen, KeptVolume, Look, Search
from drbot.runners.foundation.lock import Claim, Holder
from drbot.runners.foundation.permit import services, volume

MOVES = ("volume.swap", "volume.swap_back", "kept.remove")
APPS = ("auth", "user", "admin", "front-user", "front-admin")
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def backup(number: int) -> BackupIdentity:
    """The backup of `number` hours before noon."""
    return BackupIdentity(
        place="memory",
        name=f"all_databases_{number}.sql.gz",
        size=1000,
        sha256=f"{number:064d}",
        snapshot_at=NOON - timedelta(hours=number),
        manifest=True,
        rows={"authdb.users": 3},
        holds=Holds(redis=True, configuration=True),
        mark=f"mark {number}",
    )


class Hold:
    """An action that has begun and waits for the test."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go_on = threading.Event()


class HarmlessTarget:
    """Services, volumes and backups as plain values. PostgreSQL works when its volume holds good data."""

    def __init__(self) -> None:
        self.running = {*APPS, "postgres", "redis"}
        self.ended_well: set[str] = set()  # jobs that ran to their end
        self.crash_looping: set[str] = set()  # a restart does not heal it, a fresh container does
        self.volumes = {"postgres_data": "corrupt", "redis_data": "good"}
        self.keepers: dict[str, KeptVolume] = {}
        self.aside: tuple[Occupant, ...] = ()  # put aside by whatever run
        self.aside_by: dict[str, tuple[Occupant, ...]] = {}  # and by this one
        self.bearing: dict[str, tuple[str, ...]] = {}  # run → what lies on the host under its name
        self.records: dict[str, Any] = {}  # where names lead, as a control site sees it
        self.engine = "engine-1"
        self.server: OldServer | None = None
        self.settings: tuple[str, ...] = ()  # files that are not as in the backup
        self.faults: tuple[Broken, ...] = ()  # what of the data is broken beside a PostgreSQL without good data
        self.down: tuple[str, ...] = ()  # services that do not work though their data does
        self.unnamed = Inventory()
        self.strangers: list[str] = []  # containers of others that run on postgres_data
        self.backups = [backup(1), backup(2)]
        self.bad: set[str] = set()  # backups that fail when they are restored
        self.errors: dict[str, list[Exception]] = {}  # action → what it raises, one a call
        self.holds: dict[str, Hold] = {}  # action → the next call waits
        self.written = 0  # rows since the data was put in place
        self.locked: list[Holder] = []  # who keeps other drbots away; shared by those on one engine
        self.holdings = 0
        self.moves = 0  # how often data changed places
        self.calls: list[str] = []
        self.survivors_removed: list[str | None] = []

    def inventory(self, cancelled: Callable[[], bool] = lambda: False) -> Inventory:
        """Of what dr.yml does not name."""
        return self.unnamed

    def knowing(self, inventory: Inventory) -> "HarmlessTarget":
        return self

    def ahead(self, names: Collection[str], cancelled: Callable[[], bool]) -> AbstractContextManager[None]:
        """It answers at once."""
        return nullcontext()

    def for_survey(self) -> "HarmlessTarget":
        return self

    @property
    def clients(self) -> Clients:
        """The harmless actions use none."""
        return cast("Clients", None)

    @property
    def registry(self) -> Registry:
        """Everything by the real names."""
        return Registry(actions=self._actions(), probes=self._probes(), subjects=self._subjects())

    def _subjects(self) -> Mapping[str, Subjects]:
        """What the real ones take away, too."""
        interrupts = ("compose.restart", "compose.stop", "compose.recreate")
        return {
            **{name: lambda context, given: frozenset(services("x", _named(given))) for name in interrupts},
            **{name: lambda context, given: frozenset({volume(given["volume"])}) for name in MOVES},
            "host.set_aside": setting_aside.subjects,
            "host.put_back": putting_back.subjects,
        }

    def lock(self, claim: Claim, gone: str | None) -> Holder | None:
        """As an engine keeps it; `locked` may be shared with the target of another drbot."""
        held = self.locked[0] if self.locked else None
        if held and held.claim.instance != claim.instance and held.id != gone:
            return held
        if held is None or (held.claim.instance, held.claim.run) != (claim.instance, claim.run):
            self.holdings += 1
            self.locked[:] = [Holder(id=f"{claim.instance}-{self.holdings}", claim=claim)]
        return None

    def holder(self) -> Holder | None:
        """Who has it."""
        return self.locked[0] if self.locked else None

    def unlock(self, instance: str, run: str) -> None:
        """Only by who has it."""
        if self.locked and (self.locked[0].claim.instance, self.locked[0].claim.run) == (instance, run):
            self.locked.clear()

    def hold(self, action: str) -> Hold:
        """The next call of this action waits."""
        self.holds[action] = Hold()
        return self.holds[action]

    def fingerprint(self, cancelled: Callable[[], bool]) -> dict[str, Any]:
        """The engine and the names of the system's own volumes. Docker calls a volume younger when its data moved."""
        if "fingerprint" in self.holds:
            self.holds.pop("fingerprint").reached.set()
            threading.Event().wait()  # an engine that never answers
        return {
            "engine": self.engine,
            "volumes": {"postgres_data": f"day {1 + self.moves}"},
            "strangers": {"postgres_data": list(self.strangers)},
            **({"records": self.records} if self.records else {}),
        }

    def old_server(self, cancelled: Callable[[], bool] = lambda: False) -> OldServer | None:
        """What the test put there."""
        return self.server

    def choose_backup(self, search: Search) -> Chosen:
        """The first that fits."""
        if "choose" in self.holds:
            _wait(self.holds.pop("choose"), search.cancelled)
        for found in self.backups:
            before = search.before
            if search.name not in (None, found.name) or (before and found.snapshot_at >= before.snapshot_at):
                continue
            return Chosen(
                backup=found.model_copy(update={"site": found.site or (search.site if found.manifest else "")})
            )
        raise UserError("Looked for a good backup.", "There is none.", "Put one there.")

    def choose_full_backup(self, search: Search) -> Chosen:
        """There is one kind only."""
        return self.choose_backup(search)

    def identify(self, backup: BackupIdentity) -> BackupIdentity:
        """What lies there under this name."""
        for found in self.backups:
            if found.name == backup.name:
                return found.model_copy(update={"site": backup.site, "mark": backup.mark})
        raise PermanentError("it is gone")

    def keep(self, volume: str, *, original: str, incident: int, run: str) -> None:
        """Kept data, as the labels of its volume tell it. Every volume was made on the same day."""
        self.volumes.setdefault(volume, "kept")
        self.keepers[volume] = KeptVolume(original=original, run=run, incident=incident, made_at="day 1")

    def kept(self, volume: str) -> KeptVolume | None:
        """None when it is gone."""
        return self.keepers.get(volume) if volume in self.volumes else None

    def keys(self) -> int:
        """No Redis runs here."""
        raise PermanentError("Redis is not running")

    def other_settings(self, backup: BackupIdentity, cancelled: Callable[[], bool] = lambda: False) -> tuple[str, ...]:
        """What the test put there."""
        return self.settings

    def kept_settings(self, volume: str, cancelled: Callable[[], bool] = lambda: False) -> tuple[str, ...]:
        """The same, of an undo."""
        return self.settings

    def look(
        self,
        cancelled: Callable[[], bool] = lambda: False,
        kind: DataKind | None = None,
        files: str = "",
        *,
        brief: bool = False,
    ) -> Look:
        """What the test put there, and PostgreSQL by what is in its volume."""
        is_good = self.volumes.get("postgres_data") == "good"
        postgres = () if is_good else (Broken(kind=DataKind.POSTGRES, why="it does not answer"),)
        broken = [one for one in (*self.faults, *postgres) if kind in (None, one.kind) and files in ("", one.files)]
        return Look(broken=tuple(broken), works="PostgreSQL answers, 3 rows", down=self.down)

    def occupants(
        self, run: str, suffix: str, mounted: Collection[str], cancelled: Callable[[], bool] = lambda: False
    ) -> tuple[Occupant, ...]:
        """The volumes that the system calls its own, and its folder."""
        names = [name for name in ("postgres_data", "redis_data") if name in self.volumes]
        volumes = [
            Occupant(kind=OccupantKind.VOLUME, name=name, identity="day 1", keeper=name + suffix, size=1000)
            for name in names
        ]
        folder = Occupant(kind=OccupantKind.FOLDER, name="/srv/x", identity="1:2", keeper="/srv/x" + suffix)
        container = Occupant(
            kind=OccupantKind.CONTAINER, name="auth-1", identity="c1", keeper="drbot-kept:auth-1", size=7
        )
        return (folder, container, *volumes)

    def made_by(self, run: str) -> tuple[str, ...]:
        """What a test put there."""
        return self.bearing.get(run, ())

    def put_aside(self, run: str) -> tuple[Occupant, ...]:
        """What a test put there."""
        return self.aside_by.get(run, self.aside)

    def rows(self, cancelled: Callable[[], bool]) -> Mapping[str, int]:
        """A corrupt database cannot be counted."""
        if not self.is_healthy("postgres"):
            raise TemporaryError("PostgreSQL does not answer", kind="starting")
        return {"authdb.users": 3 + self.written}

    def written_since(self, transaction: int, cancelled: Callable[[], bool]) -> Written:
        """What a test says was written."""
        self.rows(cancelled)
        return Written(rows=self.written, bytes=100 * self.written, untouched={"authdb.users": 3})

    def remove_survivors(self, run_id: str, step_id: str | None) -> None:
        """Nothing runs elsewhere."""
        self.survivors_removed.append(step_id)

    def is_healthy(self, service: str) -> bool:
        """Runs, and its data is good."""
        if service not in self.running or service in self.crash_looping:
            return False
        return service == "redis" or ("postgres" in self.running and self.volumes["postgres_data"] == "good")

    def _actions(self) -> Mapping[str, Action]:
        return {
            "evidence.collect": self.acting(lambda given: None),
            "compose.restart": self.acting(lambda given: self.running.update(_named(given))),
            "compose.stop": self.acting(lambda given: self.running.difference_update(_named(given))),
            "compose.start": self.acting(lambda given: self.running.update(_named(given))),
            "compose.recreate": self.acting(self._recreate),
            "health.wait": self.acting(self._wait),
            "data.wait": self.acting(lambda given: None),
            "dependencies.probe": self._dependencies,
            "backup.check": self.acting(lambda given: None),
            "postgres.restore_beside": self.acting(self._restore),
            "volume.swap": self.acting(self._swap),
            "volume.swap_back": self.acting(self._swap_back),
            "kept.remove": self.acting(lambda given: self.volumes.pop(given["volume"], None)),
            "volume.remove": self.acting(lambda given: self.volumes.pop(given["volume"], None)),
            "notify.stakeholders": self.acting(lambda given: None),
        }

    def acting(self, effect: Any) -> Action:
        """An action that can be held and fail, and has this effect."""

        def action(context: StepContext, given: Mapping[str, Any]) -> Outcome:
            name = str(context.step.do)
            self.calls.append(context.step.id if context.step.do == name else name)
            self._wait_for_test(name, context)
            self._require_permit(name, context, given)
            if self.errors.get(name):
                raise self.errors[name].pop(0)
            effect(given)
            self._label(name, context, given)
            where = {key: given[key] for key in ("volume", "keeper") if key in given}  # as the real swap says
            return Outcome(summary=f"{name} is done.", facts={"kept_bytes": 7, "next_transaction": 740, **where})

        return action

    def _label(self, name: str, context: StepContext, given: Mapping[str, Any]) -> None:
        keeper = {"volume.swap": "keeper", "volume.swap_back": "replacement"}.get(name)
        if keeper is not None and given[keeper] in self.volumes:
            self.keep(given[keeper], original=given["volume"], incident=context.run.incident, run=context.run.id)

    def _require_permit(self, name: str, context: StepContext, given: Mapping[str, Any]) -> None:
        """As the real clients do."""
        subjects = self._subjects().get(name)
        if subjects is not None:
            context.permitted().require(*subjects(context, given))
        if name == "volume.remove":
            context.own_work()

    def _wait_for_test(self, name: str, context: StepContext) -> None:
        hold = self.holds.pop(name, None)
        if hold is None:
            return
        _wait(hold, context.cancelled)

    def _recreate(self, given: Mapping[str, Any]) -> None:
        self.running.update(_named(given))
        self.crash_looping.difference_update(_named(given))

    def _wait(self, given: Mapping[str, Any]) -> None:
        sick = [name for name in _named(given) if not self.is_healthy(name)]
        if sick:
            raise PermanentError(f"Not healthy: {', '.join(sick)}")

    def _dependencies(self, context: StepContext, given: Mapping[str, Any]) -> Outcome:
        culprit = None if self.volumes["postgres_data"] == "good" else "postgres"
        return Outcome(summary="Asked.", facts={"culprit": culprit})

    def _restore(self, given: Mapping[str, Any]) -> None:
        if given["backup"] in self.bad:
            raise BackupError("the dump ends in the middle")
        self.volumes[given["volume"]] = "good"

    def _swap(self, given: Mapping[str, Any]) -> None:
        self.moves += 1
        if given["keeper"] not in self.volumes:
            self.volumes[given["keeper"]] = self.volumes[given["volume"]]
        if given["replacement"] in self.volumes:
            self.volumes[given["volume"]] = self.volumes.pop(given["replacement"])

    def _swap_back(self, given: Mapping[str, Any]) -> None:
        self.moves += 1
        if given["replacement"] not in self.volumes:
            self.volumes[given["replacement"]] = self.volumes[given["volume"]]
        self.volumes[given["volume"]] = self.volumes.pop(given["keeper"])

    def _probes(self) -> Mapping[str, ProbeFunction]:
        def yes(context: StepContext, given: Mapping[str, Any]) -> Finding:
            return Finding(passed=True, sentence="Yes.")

        def probe(question: Any) -> ProbeFunction:
            return lambda context, given: Finding(passed=bool(question(given)), sentence=f"Asked {dict(given)}.")

        return {
            "health.services": probe(lambda given: all(map(self.is_healthy, _named(given)))),
            "own_checks.http": yes,
            "compose.running": self._running,
            "compose.stopped": probe(lambda given: not set(_named(given)) & self.running),
            "data.answers": self._data,
            "postgres.rows": probe(lambda given: self.volumes["postgres_data"] == "good"),
            "postgres.beside_rows": probe(lambda given: self.volumes.get(given["volume"]) == "good"),
            "backup.fresh": yes,
            "backup.whole": probe(lambda given: any(one.name == given["backup"] for one in self.backups)),
            "disk.free": yes,
            "volume.swapped": self._swapped,
            "volume.gone": probe(lambda given: given["volume"] not in self.volumes),
            "volume.unshared": yes,
            "volume.exists": probe(lambda given: given["volume"] in self.volumes),
        }

    def _running(self, context: StepContext, given: Mapping[str, Any]) -> Finding:
        facts = {name: "running" if name in self.running else "exited" for name in _named(given)}
        broken = tuple(name for name in facts if name not in self.running | self.ended_well)
        return Finding(passed=not broken, sentence=f"Asked {dict(given)}.", broken=broken, facts=facts)

    def _data(self, context: StepContext, given: Mapping[str, Any]) -> Finding:
        is_asked = given.get("volume", "postgres_data") == "postgres_data"
        answers = not is_asked or self.is_healthy("postgres")
        return Finding(passed=answers, sentence="It works." if answers else "PostgreSQL does not answer.")

    def _swapped(self, context: StepContext, given: Mapping[str, Any]) -> Finding:
        state = "before"
        if given["keeper"] in self.volumes:
            state = "between" if self.volumes[given["volume"]] == "gone" else "after"
        return Finding(passed=state == "after", sentence=f"The swap is at: {state}.", facts={"state": state})


def _wait(hold: Hold, cancelled: Callable[[], bool]) -> None:
    hold.reached.set()
    while not hold.go_on.wait(0.01):
        if cancelled():
            raise CancelledError("cancelled")


def _named(given: Mapping[str, Any]) -> list[str]:
    services = given["services"]
    return [services] if isinstance(services, str) else list(services)
