"""Prometheus and Alertmanager as seen from outside: whose samples are stored, and does an alert come through?"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from drbot.core.base.errors import TemporaryError
from drbot.core.site.site import Monitoring
from drbot.core.text.messages import phrase

REQUEST_SECONDS = 5.0
ALERT = "DrbotTest"
SAMPLES = "timestamp(up) and (up == 1)"
DEFAULT_INTERVAL = "1m"  # of Prometheus
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
SLACK_SECONDS = 1.0


def down(settings: Monitoring) -> dict[str, str]:
    """Job → why it is not watched, for every job of dr.yml and every target of Prometheus. Raises TemporaryError."""
    # The samples after the targets: what the last scrape of a target brought is stored by then, if it can be.
    targets = ask(f"{settings.prometheus}/api/v1/targets?state=active")["data"]["activeTargets"]
    samples = ask(f"{settings.prometheus}/api/v1/query", query=SAMPLES)["data"]["result"]
    taken = {frozenset(one["metric"].items()): float(one["value"][1]) for one in samples}
    health: dict[str, str] = {}
    for target in targets:
        job = str(target["labels"].get("job", "?"))
        why = _why_down(target, taken.get(frozenset(target["labels"].items())))
        if why:
            health[job] = why
        else:
            health.setdefault(job, "")
    missing = {job: phrase("Prometheus does not know it") for job in settings.jobs if job not in health}
    return {job: why for job, why in health.items() if why} | missing


def _why_down(target: Mapping[str, Any], taken: float | None) -> str:
    """`taken`: when its newest stored sample was, in Unix seconds. A target is "up" from the moment it answers, also
    where nothing of its answer can be stored: on a full disk, for instance.
    """
    if target["health"] != "up":
        return str(target.get("lastError") or target["health"])
    last = datetime.fromisoformat(target["lastScrape"]).timestamp()
    # The last scrape may be a moment away from being stored; the one before it is not.
    if taken is None or taken < last - _seconds(target.get("scrapeInterval", DEFAULT_INTERVAL)) - SLACK_SECONDS:
        instance = target["labels"].get("instance", "?")
        return phrase(
            "Prometheus stores no sample of {target}, though it answers; see if Prometheus has room on its disk",
            target=instance,
        )
    return ""


def _seconds(duration: str) -> float:
    """Of a duration as Prometheus writes it: "1m30s"."""
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def alert_rules(settings: Monitoring) -> frozenset[str]:
    """The names of the alerts that Prometheus would raise. Raises TemporaryError."""
    groups = ask(f"{settings.prometheus}/api/v1/rules", type="alert")["data"]["groups"]
    return frozenset(str(rule["name"]) for group in groups for rule in group["rules"])


def send_test_alert(settings: Monitoring, run: str) -> None:
    """An alert that says what it is, and ends by itself. Raises TemporaryError."""
    now = datetime.now(UTC)
    alert = {
        "labels": {"alertname": ALERT, "severity": "info", "run": run},
        "annotations": {"summary": "A test by drbot: monitoring was rebuilt. Nothing has to be done."},
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(minutes=2)).isoformat(),
    }
    try:
        httpx.post(
            f"{settings.alertmanager}/api/v2/alerts", json=[alert], timeout=REQUEST_SECONDS, trust_env=False
        ).raise_for_status()
    except httpx.HTTPError as error:
        raise unanswered(settings.alertmanager, error) from error


def test_alert_arrived(settings: Monitoring, run: str) -> bool:
    """Whether the receiver has it; without one, whether Alertmanager has. Raises TemporaryError."""
    url = settings.receiver or f"{settings.alertmanager}/api/v2/alerts"
    return any(is_test(alert, run) for alert in ask(url))


def is_test(alert: Mapping[str, Any], run: str) -> bool:
    labels = alert.get("labels") or {}
    return labels.get("alertname") == ALERT and labels.get("run") == run


def ask(url: str, **parameters: str) -> Any:
    """The JSON at a URL; Any: it is somebody else's. Raises TemporaryError."""
    try:
        answer = httpx.get(url, params=parameters or None, timeout=REQUEST_SECONDS, trust_env=False)
        return answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise unanswered(url, error) from error


def unanswered(url: str, error: Exception) -> TemporaryError:
    """A server that was just started may not answer yet."""
    return TemporaryError(phrase("{what}: {why}", what=url, why=str(error) or type(error).__name__), kind="starting")
