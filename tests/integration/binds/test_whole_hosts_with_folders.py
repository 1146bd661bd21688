"""Level 3 where stores keep their data in folders: made, filled, put aside with the host and brought back."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drbot.core.base.errors import BackupError, PermanentError
from drbot.core.runs.proof import OWN_CHECKS
from drbot.core.site.occupants import OccupantKind, aside_suffix
from drbot.core.site.own_checks import OwnChecks
from drbot.runners.actions import fetching, infrastructure, kept_hosts, putting_back, restoring
from drbot.runners.actions.anew import anew
from drbot.runners.actions.making_beside import made_beside
from drbot.runners.actions.occupants import host_of, occupants_of
from drbot.runners.actions.setting_aside import keep, require_free
from drbot.runners.backups.choose_full import identity_of
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.contract.action import StepContext
from drbot.runners.foundation import permit as permits
from tests.archives import with_quick_key
from tests.integration.binds.bound_site import ROWS, BoundSite
from tests.permits import permit
from tests.waiting import wait_for

pytestmark = pytest.mark.docker

RUN = "r-host"
ALL = {"services": ["postgres", "redis"]}


@pytest.fixture
def context(site: BoundSite, tmp_path: Path) -> StepContext:
    """A step of a level 3 that has fetched a full backup made now."""
    site.cli("set", "answer", "42")
    backup = identity_of(*back_up_full(with_quick_key(site.configuration), "production", clients=site.clients))
    clients = replace(site.clients, settings=replace(site.clients.settings, home=tmp_path / "home"))
    context = replace(site.context(RUN, "restore", backup), clients=clients)
    fetching.fetch(context, {})
    return context


def asking(context: StepContext, expect: str) -> StepContext:
    """The same where dr.yml asks the copy for this many orders."""
    proof = OwnChecks.model_validate({"checks": [{"sql": "SELECT count(*) FROM orders", "expect": expect}]})
    return replace(context, configuration=context.configuration.model_copy(update={"proof": proof}))


def test_the_folders_are_made_and_filled_as_their_images_want_them(site: BoundSite, context: StepContext) -> None:
    postgres, redis = (store.volume for store in site.configuration.site().stores)
    site.compose("down", "--timeout=2")
    owners = [Path(place).stat().st_uid for place in (postgres, redis)]
    shutil.rmtree(site.data.parent)
    assert not infrastructure.present(context, ALL).passed

    infrastructure.create(context, ALL)
    there = infrastructure.present(context, ALL)
    made = [Path(place).stat().st_uid for place in (postgres, redis)]
    with pytest.raises(BackupError, match="own check"):  # as dr.yml asks, also at level 3
        restoring.restore_postgres(asking(context, f"> {ROWS}"), {"volume": postgres, "backup": ""})
    restored = restoring.restore_postgres(asking(context, f"{ROWS}"), {"volume": postgres, "backup": ""})
    restoring.restore_redis(context, {"volume": redis, "backup": ""})
    site.up()
    wait_for(lambda: site.cli("ping") == "PONG", 60, "Redis")

    proven = anew(context, ALL)

    assert there.passed, there.sentence
    assert proven.passed, proven.sentence
    assert (made, restored.facts[OWN_CHECKS]) == (owners, 1)
    assert site.sql("SELECT count(*) FROM orders") == str(ROWS)
    assert site.cli("get", "answer") == "42"


@pytest.fixture
def elsewhere(site: BoundSite, tmp_path: Path) -> Iterator[Path]:
    """A folder of data outside the projects."""
    folder = tmp_path / "srv/pgdata"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "content").write_text("precious")
    yield folder
    for name in site.clients.docker.made_folders():
        if Path(name).is_relative_to(tmp_path):
            site.clients.docker.remove_volume(name, permit(permits.volume(name)))


@pytest.mark.parametrize("kind", ["postgres", "files"])
def test_a_folder_outside_the_projects_is_put_aside_by_renaming_and_comes_back(
    site: BoundSite, elsewhere: Path, kind: str
) -> None:
    here = site.configuration.site()
    assert here.postgres is not None
    postgres = here.postgres.model_copy(update={"volume": str(elsewhere)})
    moved = here.model_copy(update={"postgres": postgres} if kind == "postgres" else {"files": (str(elsewhere),)})
    allowed = permit(permits.volume(str(elsewhere)), run=RUN)
    context = replace(site.context(RUN, "set-aside", None, permit=allowed), site=moved)

    suffix = aside_suffix(RUN)
    found = occupants_of(host_of(context), suffix, ())
    volumes = [one for one in found if one.kind is OccupantKind.VOLUME]
    keep(context, str(elsewhere), f"{elsewhere}{suffix}")
    keep(context, str(elsewhere), f"{elsewhere}{suffix}")  # done already: nothing happens

    aside = elsewhere.with_name(f"pgdata{suffix}")
    assert [(one.name, one.keeper) for one in volumes] == [(str(elsewhere), str(aside))]
    assert (elsewhere.exists(), (aside / "content").read_text()) == (False, "precious")
    assert [one.name for one in kept_hosts.kept_on(host_of(context), RUN) if one.kind is OccupantKind.VOLUME] == [
        str(elsewhere)
    ]

    (one,) = volumes
    back = replace(context, permit=permit(permits.kept(one.keeper), run=RUN))
    putting_back.fill_again(back, one)

    assert (elsewhere / "content").read_text() == (aside / "content").read_text() == "precious"
    assert elsewhere.stat().st_mode & 0o777 == 0o700


def test_what_can_be_neither_swapped_nor_put_aside_is_told_before_anything_is_touched(
    site: BoundSite, elsewhere: Path
) -> None:
    link = elsewhere.with_name("link")
    link.symlink_to(elsewhere)
    here = site.configuration.site()
    assert here.postgres is not None
    linked = here.model_copy(update={"postgres": here.postgres.model_copy(update={"volume": str(link)})})
    context = replace(site.context(RUN, "set-aside", None), site=linked)

    with pytest.raises(PermanentError, match="it is a link"), made_beside(context, f"{link}_{RUN}"):
        pytest.fail("nothing is restored beside it")

    with pytest.raises(PermanentError, match="it is a link"):
        require_free(context, str(link), f"{link}_aside")

    assert (elsewhere / "content").read_text() == "precious"
