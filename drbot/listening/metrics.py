"""What Prometheus is told: the figures of the state, asked at each scrape, in either process the same. A state that
cannot be asked is a figure too.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client.core import GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from drbot.core.base.errors import DrbotError
from drbot.core.runs.incident import Incident
from drbot.core.site.proofs import WELL, BackupProof, ProofResult
from drbot.core.site.site import Targets
from drbot.store.base.database import Database
from drbot.store.records.figures import Figures, figures
from drbot.store.records.routines import Routine
from drbot.store.records.surfaces import PUBLISHER


class StateCollector(Collector):
    """Registered once in a process; no figure is kept between two scrapes."""

    def __init__(
        self, database: Database, targets: Targets, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self._targets = targets
        self._now = now

    def describe(self) -> list[Metric]:
        """Nothing is asked when it is registered: the state may not answer yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        answers = GaugeMetricFamily("drbot_state_answers", "Whether drbot's own state answers: 1 = yes.")
        try:
            with self._database.read() as connection:
                found = figures(connection, PUBLISHER)
        except DrbotError:
            answers.add_metric((), 0)
            yield answers
            return
        answers.add_metric((), 1)
        yield answers
        yield from _work(found, self._now())
        yield from _routines(found.routines, self._now())
        yield from _drills(found, self._targets, self._now())
        yield from _incidents(found.open_incidents, self._targets, self._now())


def _work(found: Figures, now: datetime) -> Iterator[Metric]:
    runs = GaugeMetricFamily("drbot_runs", "Runs, by where they are now.", labels=("site", "runbook", "state"))
    for key, count in found.runs.items():
        runs.add_metric(key, count)
    yield runs
    took = SummaryMetricFamily("drbot_step_seconds", "How long the steps of runs took.", labels=("runbook", "step"))
    for names, one in found.steps.items():
        took.add_metric(names, count_value=one.count, sum_value=one.seconds)
    yield took
    waits = GaugeMetricFamily(
        "drbot_queue_age_seconds", "How long the oldest run has waited for a worker of its site.", labels=("site",)
    )
    for site, since in found.queued_since.items():
        waits.add_metric((site,), (now - since).total_seconds())
    yield waits
    ready = GaugeMetricFamily("drbot_readiness", "What `/dr readiness` says.", labels=("source", "colour"))
    for looked, count in found.readiness.items():
        ready.add_metric(looked, count)
    yield ready
    yield from _proofs(found.proofs, now)
    lag = (now - found.unshown_since).total_seconds() if found.unshown_since is not None else 0.0
    yield GaugeMetricFamily("drbot_publisher_lag_records", "Records not shown in Slack yet.", value=found.unshown)
    yield GaugeMetricFamily("drbot_publisher_lag_seconds", "Age of the oldest of them.", value=lag)


def _routines(there: tuple[Routine, ...], now: datetime) -> Iterator[Metric]:
    well = GaugeMetricFamily(
        "drbot_routine_success_timestamp_seconds", "When it went well last.", labels=("routine",)
    )  # fmt: skip
    failed = GaugeMetricFamily("drbot_routine_failed", "Whether it failed the last time: 1 = yes.", labels=("routine",))
    late = GaugeMetricFamily("drbot_routine_late_seconds", "For how long it has been due.", labels=("routine",))
    due = GaugeMetricFamily("drbot_routine_due_timestamp_seconds", "When it is due next.", labels=("routine",))
    for one in there:
        due.add_metric((one.key,), one.due_at.timestamp())
        if one.succeeded_at is not None:
            well.add_metric((one.key,), one.succeeded_at.timestamp())
        failed.add_metric((one.key,), bool(one.fault))
        late.add_metric((one.key,), max(0.0, (now - one.due_at).total_seconds()))
    yield from (well, failed, late, due)


def _drills(found: Figures, targets: Targets, now: datetime) -> Iterator[Metric]:
    """When each level was last recovered in time, and how quickly, beside what was promised."""
    age = GaugeMetricFamily(
        "drbot_drill_passed_age_seconds", "Since a drill of this level last recovered in time.", labels=("level",)
    )
    for one in found.passed:
        age.add_metric((str(one.level.value),), one.age(now).total_seconds())
    took = GaugeMetricFamily("drbot_drill_rto_seconds", "The RTO of the last drill of this level.", labels=("level",))
    for one in found.drills:
        if one.rto_seconds is not None:
            took.add_metric((str(one.level.value),), one.rto_seconds)
    yield from (age, took)
    yield GaugeMetricFamily("drbot_rto_goal_seconds", "The RTO of dr.yml.", value=targets.rto)


def _proofs(known: tuple[BackupProof, ...], now: datetime) -> Iterator[Metric]:
    """Of each kind in each place the last backup that came back from there; and how many did not."""
    labels = ("site", "kind", "place")
    age = GaugeMetricFamily(
        "drbot_backup_proof_age_seconds", "Since a backup was last restored, or read back.", labels=labels
    )
    took = GaugeMetricFamily("drbot_backup_proof_seconds", "How long that took.", labels=labels)
    failed = GaugeMetricFamily("drbot_backup_proofs_failed", "Backups that did not come back.", labels=labels)
    for names in sorted({(one.site, one.kind.value, one.place) for one in known}):
        mine = [one for one in known if (one.site, one.kind.value, one.place) == names]
        failed.add_metric(names, sum(one.result is ProofResult.FAILED for one in mine))
        last = next((one for one in mine if one.result in WELL), None)
        if last is not None:
            age.add_metric(names, (now - last.proven_at).total_seconds())
            took.add_metric(names, last.seconds)
    yield from (age, took, failed)


def _incidents(there: tuple[Incident, ...], targets: Targets, now: datetime) -> Iterator[Metric]:
    labels = ("incident", "level", "site")
    lasts = GaugeMetricFamily("drbot_incident_seconds", "How long an open incident has lasted.", labels=labels)
    left = GaugeMetricFamily(
        "drbot_rto_left_seconds", "What is left of the RTO while the service is not back; below 0 = missed.",
        labels=labels,
    )  # fmt: skip
    for one in there:
        names = (one.name, str(one.level.value), one.site)
        seconds = (now - one.started_at).total_seconds()
        lasts.add_metric(names, seconds)
        if one.recovered_at is None:
            left.add_metric(names, targets.rto - seconds)
    yield lasts
    yield left
