"""What is known with the survey is refused then, not when the host is cleared, with what to do in both languages."""

import os
from pathlib import Path
from typing import Any, cast

import pytest

from drbot.core.runs.plan import BackupIdentity, Holds
from drbot.core.site.site import Configuration, Postgres, Redis, Repository, Site
from drbot.core.text.messages import say
from drbot.runners.actions.suitable import suitable, unwritable, writable
from drbot.runners.contract.action import StepContext
from drbot.runners.planning.survey_questions import MUST_HOLD
from tests.archives import MOMENT, fetching_context

BACKUP = BackupIdentity(
    place="file:/x", name="full_backup_20261126_030000", size=1, sha256="0", snapshot_at=MOMENT, manifest=True,
    server_version="15.8", holds=Holds(redis=True, configuration=True),
)  # fmt: skip
SITE = Site(
    projects=Path("/srv/shop"),
    postgres=cast(Any, Postgres.model_construct(service="p", volume="pg", databases=())),
    redis=cast(Any, Redis.model_construct(service="r", volume="rd")),
)


def context(
    site: Site = SITE, backup: BackupIdentity = BACKUP, home: Path = Path("/tmp"), **changes: Any
) -> StepContext:
    known: dict[str, Any] = {"repository": Repository.model_construct(url="u", commit="c"), **changes}
    configuration = Configuration.model_construct(
        system="shop", default_site="recovery", sites={"recovery": site}, **known
    )
    return fetching_context(home, "r1", backup, site, configuration)


@pytest.mark.parametrize(
    ("site", "backup", "said", "ja"),
    [
        (SITE, {"holds": Holds(redis=True)}, "holds no settings of the services", "設定"),
        (SITE, {"server_version": ""}, "holds no PostgreSQL dump, but recovery has PostgreSQL", "PostgreSQL"),
        (SITE, {"holds": Holds(configuration=True)}, "holds no Redis data, but recovery has Redis", "Redis"),
        (SITE.model_copy(update={"projects": Path()}), {}, "names no folder for the projects", "フォルダ"),
    ],
)
def test_a_backup_that_lacks_what_a_step_needs_is_refused(
    site: Site, backup: dict[str, Any], said: str, ja: str
) -> None:
    finding = suitable(context(site, BACKUP.model_copy(update=backup)), {})

    assert not finding.passed
    assert said in finding.sentence
    assert ja in say(finding.sentence, "ja") != finding.sentence


def test_one_that_holds_everything_passes_also_for_a_site_that_is_made_later() -> None:
    assert suitable(context(), {}).passed
    assert suitable(context(), {"site": "recovery"}).passed
    assert "names no site elsewhere" in suitable(context(), {"site": "elsewhere"}).sentence


def test_without_a_repository_only_an_archive_of_settings_alone_is_refused() -> None:
    """A full backup of drbot's holds the folders of the projects whole."""
    archive = BACKUP.model_copy(update={"name": "full_backup_20261126_030000.tar.gz"})

    assert suitable(context(repository=None), {}).passed
    assert "names no `repository`" in suitable(context(backup=archive, repository=None), {}).sentence


def test_a_site_without_redis_needs_none() -> None:
    site = SITE.model_copy(update={"redis": None})

    assert suitable(context(site, BACKUP.model_copy(update={"holds": Holds(configuration=True)})), {}).passed


def test_folders_that_can_be_written_or_made_pass(tmp_path: Path) -> None:
    site = SITE.model_copy(update={"projects": tmp_path / "srv" / "shop"})

    assert writable(context(site, home=tmp_path / "home"), {}).passed
    assert list(tmp_path.iterdir()) == []  # asked, not tried


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "srv").write_text("a file")
    site = SITE.model_copy(update={"projects": tmp_path / "srv" / "shop"})

    finding = writable(context(site, home=tmp_path), {})

    assert (finding.passed, finding.sentence) == (False, f"{tmp_path}/srv is in the way: it is no folder")
    assert say(finding.sentence, "ja") != finding.sentence


def test_a_folder_that_drbot_may_not_write_in_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)

    assert list(unwritable(tmp_path / "new")) == [f"drbot may not write in {tmp_path}"]


def test_a_read_only_file_system_is_refused() -> None:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    folders = [Path(words[1]) for words in mounts if "ro" in words[3].split(",") and Path(words[1]).is_dir()]
    if not folders:
        pytest.skip("nothing is read-only here")

    assert list(unwritable(folders[0] / "new" / "home")) == [f"{folders[0]} is on a read-only file system"]


def test_what_could_not_be_put_aside_is_refused(tmp_path: Path) -> None:
    projects = tmp_path / "shop"
    (projects / "web").mkdir(parents=True)
    site = SITE.model_copy(update={"projects": projects})
    asked = context(site, home=projects / "drbot")
    assert "drbot's own files are in" in writable(asked, {}).sentence

    (tmp_path / "shop_before_r1").mkdir()
    assert "exists already" in writable(context(site, home=tmp_path), {}).sentence

    long = site.model_copy(update={"projects": tmp_path / ("n" * 250)})
    (tmp_path / ("n" * 250) / "web").mkdir(parents=True)
    assert "longer than a file system takes" in writable(context(long, home=tmp_path), {}).sentence


def test_a_disk_of_its_own_cannot_be_put_aside() -> None:
    disk = next(path for path in (Path("/dev/shm"), Path("/proc")) if path.is_mount())
    site = SITE.model_copy(update={"projects": disk})

    assert "a disk of its own" in writable(context(site), {}).sentence


@pytest.mark.parametrize("probe", ["host.suitable", "host.writable"])
def test_what_to_do_is_said_in_both_languages(probe: str) -> None:
    assert say(MUST_HOLD[probe], "ja") != say(MUST_HOLD[probe], "en")
