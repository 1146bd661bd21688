"""Prometheus and Alertmanager as seen from outside: who is scraped, and does an alert come through?"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from drbot.core.errors import TemporaryError
from drbot.core.site import Monitoring

REQUEST_SECONDS = 5.0
ALERT = "DrbotTest"


def down(settings: Monitoring) -> dict[str, str]:
    """Job → why it is not scraped, for every job of dr.yml and every target of Prometheus. Raises TemporaryError."""
    targets = ask(f"{settings.prometheus}/api/v1/targets?state=active")["data"]["activeTargets"]
    health: dict[str, str] = {}
    for target in targets:
        job = str(target["labels"].get("job", "?"))
        if target["health"] != "up":
            health[job] = str(target.get("lastError") or target["health"])
        else:
            health.setdefault(job, "")
    missing = {job: "Prometheus does not know it" for job in settings.jobs if job not in health}
    return {job: why for job, why in health.items() if why} | missing


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
    """Whether this is the test alert of this run."""
    labels = alert.get("labels") or {}
    return labels.get("alertname") == ALERT and labels.get("run") == run


def ask(url: str) -> Any:
    """The JSON at a URL; Any: it is somebody else's. Raises TemporaryError."""
    try:
        return httpx.get(url, timeout=REQUEST_SECONDS, trust_env=False).raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        raise unanswered(url, error) from error


def unanswered(url: str, error: Exception) -> TemporaryError:
    """A server that was just started may not answer yet."""
    return TemporaryError(f"{url}: {error or type(error).__name__}", kind="starting")
