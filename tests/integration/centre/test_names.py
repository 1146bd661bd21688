"""Users are moved by Route 53: in sync, told by a name server, taken back; a zone that is not ours is known before."""

import pytest

from drbot.core.base.errors import PermanentError
from drbot.lab.cloud import NAME, ZONE
from drbot.runners.actions import names
from drbot.runners.clients.name_service import NameService
from tests.integration.centre.conftest import NEW, OLD, Centre
from tests.waiting import wait_for

HERE = {"site": "recovery"}


def service(centre: Centre) -> NameService:
    assert centre.configuration.dns is not None
    return NameService(centre.configuration.dns)


def test_the_names_lead_to_the_new_place_when_it_says_so(centre: Centre) -> None:
    before = names.points_to(centre.context(), HERE)
    done = names.change(centre.context(), HERE)

    assert not before.passed
    assert service(centre).ask(NAME) == (NEW,)
    assert names.points_to(centre.context(), HERE).passed
    assert done.facts == {"address": NEW, "names": [NAME]}


def test_the_names_are_led_back_to_where_the_plan_saw_them(centre: Centre) -> None:
    sealed = {"records": names.fingerprint_of(service(centre))}
    names.change(centre.context(), HERE)
    names.change_back(centre.context(fingerprint=sealed), HERE)

    assert service(centre).ask(NAME) == (OLD,)
    finding = names.points_to(centre.context(fingerprint=sealed), HERE)
    assert finding.facts == {"state": "before"}  # so an undo knows that there is nothing to take back


def test_a_change_by_somebody_else_is_another_fingerprint(centre: Centre) -> None:
    before = names.fingerprint_of(service(centre))
    centre.cloud.point(NAME, "127.0.0.9")

    assert names.fingerprint_of(service(centre)) != before


def test_without_an_address_in_dr_yml_the_machine_of_this_run_is_meant(centre: Centre) -> None:
    recovery = centre.configuration.sites["recovery"].model_copy(update={"address": None})
    sites = {**centre.configuration.sites, "recovery": recovery}
    changed = centre.configuration.model_copy(update={"sites": sites})
    facts = {"provision": {"site": "recovery", "address": "127.0.0.7"}}
    names.change(centre.context(configuration=changed, facts=facts), HERE)

    assert service(centre).ask(NAME) == ("127.0.0.7",)
    with pytest.raises(PermanentError, match="nobody knows the address of recovery"):
        names.change(centre.context(configuration=changed), HERE)


def test_a_zone_that_may_be_changed_is_not_changed_by_asking(centre: Centre) -> None:
    before = centre.cloud.records()

    assert names.changeable(centre.context(), {}).passed
    assert centre.cloud.records() == before


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"zone": "elsewhere.test."}, "no public zone elsewhere.test."),
        ({"names": ("app.other.test",)}, "is not in the zone"),
    ],
)
def test_a_zone_or_name_that_is_not_ours_is_said(centre: Centre, changes: dict[str, object], why: str) -> None:
    finding = names.changeable(centre.context(configuration=centre.with_dns(**changes)), {})

    assert not finding.passed
    assert why in finding.sentence


def test_a_long_ttl_is_said_before_the_move(centre: Centre) -> None:
    centre.cloud.point(NAME, OLD, ttl_seconds=86_400)
    finding = names.quick(centre.context(), {"ttl": "5m"})

    assert not finding.passed
    assert "24 h 00 min" in finding.sentence or "1 d" in finding.sentence


def test_an_alias_is_never_overwritten(centre: Centre) -> None:
    route53, zone = centre.cloud.client("route53"), centre.cloud.zone()
    target = {"HostedZoneId": zone, "DNSName": f"other.{ZONE}", "EvaluateTargetHealth": False}
    alias = {"Name": f"alias.{ZONE}", "Type": "A", "AliasTarget": target}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": alias}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    try:
        changed = centre.with_dns(names=(f"alias.{ZONE}".rstrip("."),))
        finding = names.changeable(centre.context(configuration=changed), {})
    finally:
        batch["Changes"][0]["Action"] = "DELETE"
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    assert not finding.passed
    assert "plain A records" in finding.sentence


@pytest.mark.parametrize(("kind", "value"), [("AAAA", "2001:db8::200"), ("HTTPS", "1 . alpn=h2 ipv4hint=192.0.2.200")])
def test_a_name_that_leads_some_users_in_another_way_is_not_changed(centre: Centre, kind: str, value: str) -> None:
    """Those who follow that record would stay at the old place, while the card says that users are led away."""
    route53, zone = centre.cloud.client("route53"), centre.cloud.zone()
    record = {"Name": NAME, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    try:
        finding = names.changeable(centre.context(), {})
        with pytest.raises(PermanentError, match=f"{NAME} also has {kind} records, but"):
            names.fingerprint_of(service(centre))  # so no plan is made
        with pytest.raises(PermanentError, match=f"{NAME} also has {kind} records, but"):
            names.change(centre.context(), HERE)
        led = [one["ResourceRecords"] for one in centre.cloud.records() if one["Type"] == "A"]
    finally:
        batch["Changes"][0]["Action"] = "DELETE"
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    assert not finding.passed
    assert f"{kind} records, but" in finding.sentence
    assert led == [[{"Value": OLD}]]


def test_a_name_server_that_does_not_follow_is_no_success(centre: Centre) -> None:
    centre.names.stop()
    try:
        changed = centre.with_dns(names=(NAME,))
        with pytest.raises(PermanentError, match="in sync, but"):
            names.change(centre.context(configuration=changed), {**HERE, "within": "1s"})
    finally:
        centre.names.start()
    wait_for(lambda: service(centre).ask(NAME) == (NEW,), 20, "the name server")
