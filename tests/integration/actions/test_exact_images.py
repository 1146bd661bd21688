"""A lost host gets the images that ran, not what their tags mean by now: from a real registry, in which a tag moved."""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import replace

import pytest

from drbot.core.site.inventory import Inventory, KnownService
from drbot.runners.actions.infrastructure import images_present, prepare_images
from drbot.runners.clients.compose import Watch
from drbot.runners.clients.inventory_reader import read_inventory
from drbot.runners.clients.process import Bounds
from drbot.runners.contract.action import StepContext
from drbot.runners.foundation.watching import never
from tests.integration.actions.machine import Machine
from tests.servers import image_registry

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]
WATCH = Watch(bounds=Bounds(cancelled=lambda: False, seconds=120), on_line=lambda line: None)
ALL = {"services": ["app"]}


@pytest.fixture
def repository() -> Iterator[str]:
    """Of one image."""
    with image_registry() as address:
        yield f"{address}/shop"


def publish(machine: Machine, repository: str, edition: str) -> None:
    """Have `latest` mean this edition in the registry, and nothing of it stay on the host. There is nothing in it: to
    pack a real image for a registry takes half a minute.
    """
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(edition))
    api = machine.api.api
    api.import_image_from_data(packed.getvalue(), repository, "latest", [f"LABEL edition={edition}", "CMD none"])
    said = api.push(repository, "latest")
    assert "error" not in said, said
    machine.api.images.remove(f"{repository}:latest")


@pytest.fixture
def shop(machine: Machine, repository: str) -> Iterator[Machine]:
    """Its container is of the first edition; the second came out since."""
    publish(machine, repository, "first")
    machine.files({f"{machine.name}/compose.yml": f"services: {{app: {{image: {repository}, network_mode: none}}}}"})
    machine.clients.compose.create(machine.name, ["app"], WATCH)
    publish(machine, repository, "second")
    yield machine
    lost(machine, repository)


def known(shop: Machine) -> KnownService:
    (found,) = read_inventory(shop.site, shop.clients.docker, shop.clients.compose, never).services
    return found


def lost(shop: Machine, repository: str) -> None:
    """Neither containers nor images are left."""
    for one in shop.containers():
        one.remove(force=True)
    for image in shop.api.images.list(all=True):
        if any(digest.startswith(repository) for digest in image.attrs["RepoDigests"] or ()):
            shop.api.images.remove(image.id, force=True)


def recovering(shop: Machine, *services: KnownService) -> StepContext:
    context = shop.context("images")
    return replace(context, plan=context.plan.model_copy(update={"inventory": Inventory(services=services)}))


def edition(shop: Machine, repository: str) -> str:
    return str(shop.api.images.get(f"{repository}:latest").labels["edition"])


def test_the_edition_that_ran_comes_back(shop: Machine, repository: str) -> None:
    ran = known(shop)
    lost(shop, repository)

    outcome = prepare_images(recovering(shop, ran), ALL)

    assert ran.digest.startswith(f"{repository}@sha256:")
    assert edition(shop, repository) == "first"
    assert outcome.summary == "All images are there: 1."
    assert images_present(recovering(shop, ran), ALL).passed


def test_another_edition_that_is_there_already_is_not_taken_for_it(shop: Machine, repository: str) -> None:
    ran = known(shop)
    lost(shop, repository)
    shop.api.images.pull(repository, "latest")

    prepare_images(recovering(shop, ran), ALL)

    assert edition(shop, repository) == "first"


def test_where_the_registry_has_it_no_more_the_newer_one_is_used_and_named(shop: Machine, repository: str) -> None:
    ran = known(shop).model_copy(update={"digest": f"{repository}@sha256:{'0' * 64}", "image_id": ""})
    lost(shop, repository)

    outcome = prepare_images(recovering(shop, ran), ALL)

    assert edition(shop, repository) == "second"
    assert outcome.summary == f"All images are there: 1. Other versions than those that ran: {repository}."


def test_an_image_that_is_there_as_it_ran_is_asked_of_no_registry(shop: Machine, repository: str) -> None:
    ran = known(shop)
    shop.api.images.get(ran.digest).tag(repository, "latest")
    gone = ran.model_copy(update={"digest": f"{repository}@sha256:{'0' * 64}"})

    outcome = prepare_images(recovering(shop, gone), ALL)

    assert edition(shop, repository) == "first"
    assert outcome.summary == "All images are there: 1."


def test_another_version_that_the_file_names_by_now_is_no_other_meaning_of_the_tag(
    shop: Machine, repository: str
) -> None:
    ran = known(shop)
    lost(shop, repository)
    shop.api.images.pull(repository, "latest")
    shop.api.images.get(f"{repository}:latest").tag(repository, "2")
    assert "error" not in shop.api.api.push(repository, "2")
    shop.files({f"{shop.name}/compose.yml": f"services: {{app: {{image: '{repository}:2', network_mode: none}}}}"})

    outcome = prepare_images(recovering(shop, ran), ALL)

    assert str(shop.api.images.get(f"{repository}:2").labels["edition"]) == "second"
    assert outcome.summary == "All images are there: 1."


def test_a_backup_names_no_registry_that_the_file_does_not(shop: Machine, repository: str) -> None:
    with image_registry() as elsewhere:
        publish(shop, f"{elsewhere}/evil", "theirs")
        shop.api.images.pull(f"{elsewhere}/evil", "latest")
        (theirs,) = shop.api.images.get(f"{elsewhere}/evil:latest").attrs["RepoDigests"]
        ran = known(shop).model_copy(update={"digest": theirs, "image_id": ""})
        lost(shop, repository)
        lost(shop, elsewhere)

        prepare_images(recovering(shop, ran), ALL)

        assert edition(shop, repository) == "second"
