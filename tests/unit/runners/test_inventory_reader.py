"""What Compose's model says of a service, and which word for an image is one of how it ran."""

import pytest

from drbot.core.site.inventory import KnownService
from drbot.runners.clients.exact_images import says_how_it_ran
from drbot.runners.clients.inventory_reader import services_of

WAITS = {"api": {"condition": "service_completed_successfully"}}


@pytest.mark.parametrize(("profiles", "once"), [([], True), (["off"], False)])
def test_a_service_is_a_job_where_somebody_in_use_waits_for_its_end(profiles: list[str], once: bool) -> None:
    document = {"services": {"api": {"image": "x"}, "web": {"image": "x", "profiles": profiles, "depends_on": WAITS}}}

    assert {one.service: one.once for one in services_of("shop", document, {})}["api"] is once


@pytest.mark.parametrize(
    ("digest", "says"),
    [("postgres@sha256:" + "a" * 64, True), ("postgres:9.6", False), ("other@sha256:" + "a" * 64, False), ("", False)],
)
def test_only_a_digest_says_how_an_image_ran(digest: str, says: bool) -> None:
    known = KnownService(project="shop", service="db", image="postgres:16", digest=digest)

    assert says_how_it_ran("postgres:16", known) is says
