"""What monitoring posts, as it is read."""

import json

from drbot.core.site.alerts import Alert
from drbot.listening.alert_bodies import Group, read


def posted(**labels: str) -> Alert:
    """Under a fingerprint that anybody can work out."""
    alert = {"status": "firing", "labels": labels, "startsAt": "2026-11-26T03:00:00Z", "fingerprint": "f"}
    found = read(json.dumps({"version": "4", "groupKey": "k", "alerts": [alert]}).encode())
    assert isinstance(found, Group)
    return found.alerts[0]


def test_under_the_fingerprint_of_another_it_ends_and_hides_no_other() -> None:
    known = posted(alertname="PostgresDown", service="postgres", severity="critical")
    others = [
        posted(alertname="BackupDone", service="postgres"),
        posted(alertname="PostgresDown", service="web"),
        posted(alertname="PostgresDown", service="postgres", drbot_site="recovery"),
    ]

    assert known.fingerprint not in {one.fingerprint for one in others}
    assert known.fingerprint == posted(alertname="PostgresDown", service="postgres").fingerprint
