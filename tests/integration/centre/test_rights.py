"""An account that may only look: refused when the plan is made, naming the permission, and nothing was touched.

moto cannot check the signatures of Route 53, so a proxy refuses as Amazon would.
"""

from collections.abc import Iterator

import pytest

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.runners.actions import machine, names
from tests.faulty_proxy import Faults, faulty_proxy
from tests.integration.centre.conftest import Centre

HERE = {"site": "recovery"}


@pytest.fixture
def proxied(centre: Centre) -> Iterator[Faults]:
    """The cloud behind a proxy; what changes a zone or makes a machine is a POST."""
    with faulty_proxy(centre.cloud.endpoint) as (url, faults):
        centre.configuration = centre.with_dns(endpoint=url)
        centre.configuration = centre.with_provision(endpoint=url)
        faults.methods = ("POST",)
        yield faults


def test_a_zone_that_may_only_be_read_is_known_before(centre: Centre, proxied: Faults) -> None:
    before = centre.cloud.records()
    proxied.status = 403
    finding = names.changeable(centre.context(), {})

    assert not finding.passed
    assert "route53:ChangeResourceRecordSets" in finding.sentence
    assert centre.cloud.records() == before


def test_machines_that_may_not_be_made_are_known_before(centre: Centre, proxied: Faults) -> None:
    proxied.status = 403
    finding = machine.can_provision(centre.context(), HERE)

    assert not finding.passed
    assert "The keys in use need ec2:" in finding.sentence
    assert centre.cloud.machines() == []


def test_no_keys_at_all_are_said(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    assert "set AWS_ACCESS_KEY_ID" in names.changeable(centre.context(), {}).sentence
    assert "set AWS_ACCESS_KEY_ID" in machine.can_provision(centre.context(), HERE).sentence


def test_a_cloud_in_trouble_may_be_asked_again(centre: Centre, proxied: Faults) -> None:
    proxied.status = 503

    with pytest.raises(TemporaryError):
        names.change(centre.context(), HERE)
    proxied.status = None
    names.change(centre.context(), HERE)  # the same step, tried again
    assert names.points_to(centre.context(), HERE).passed


def test_a_site_nobody_knows_is_said_with_those_there_are(centre: Centre) -> None:
    with pytest.raises(PermanentError, match="Sites are: production, recovery, control"):
        names.change(centre.context(), {"site": "recovry"})
