"""A drill's copy of the compose projects."""

import os
import socket
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Site
from drbot.runners.backups.make_full import links_outside
from drbot.runners.upkeep.drill_copying import copy_projects


def test_sockets_and_pipes_of_running_programs_are_left_out(tmp_path: Path) -> None:
    project = tmp_path / "projects" / "shop"
    (project / "run").mkdir(parents=True)
    (project / "compose.yml").write_text("services: {}")
    (project / "link.yml").symlink_to("compose.yml")
    os.mkfifo(project / "run" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(project / "run" / "s"))

        copy_projects(Site(projects=tmp_path / "projects"), (), (), tmp_path / "copy", tmp_path / "home")

    copied = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"shop", "shop/compose.yml", "shop/link.yml", "shop/run"}


def test_what_drbot_keeps_among_the_projects_is_left_out_though_a_compose_file_names_it(tmp_path: Path) -> None:
    """Its default home is `.drbot` in the folder that it is started in, which may be that of the projects."""
    projects = tmp_path / "projects"
    for name in (".drbot/worker/key", "shop/compose.yml", "data/all.env"):
        (projects / name).parent.mkdir(parents=True, exist_ok=True)
        (projects / name).write_text("a")
    (projects / "data" / "other.env").symlink_to("../.drbot/worker/key")
    shared = (".drbot/worker/key", "data/all.env", "data/other.env")

    copy_projects(Site(projects=projects), ("data",), shared, tmp_path / "copy", projects / ".drbot")

    copied = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"data", "data/all.env", "shop", "shop/compose.yml"}


def test_a_link_that_leads_to_itself_ends_neither_a_drill_nor_a_backup(tmp_path: Path) -> None:
    project = tmp_path / "projects" / "shop"
    project.mkdir(parents=True)
    (project / "itself").symlink_to("itself")

    copy_projects(Site(projects=tmp_path / "projects"), (), (), tmp_path / "copy", tmp_path / "home")

    assert (tmp_path / "copy" / "shop" / "itself").is_symlink()
    assert list(links_outside(tmp_path / "projects", ["shop"])) == []


@pytest.mark.parametrize("projects", ["home", "home/worker", "home/worker/more"])
def test_no_drill_copies_what_the_worker_signs_with_whatever_dr_yml_calls_the_projects(
    tmp_path: Path, projects: str
) -> None:
    (tmp_path / "home" / "worker" / "more").mkdir(parents=True)
    (tmp_path / "home" / "worker" / "more" / "key").write_text("a")

    with pytest.raises(PermanentError, match="holds drbot's own secrets"):
        copy_projects(Site(projects=tmp_path / projects), (), (), tmp_path / "copy", tmp_path / "home")

    assert not (tmp_path / "copy").exists()


def test_projects_that_lie_in_drbots_home_bring_their_shared_settings(tmp_path: Path) -> None:
    """As those of a lab do."""
    projects = tmp_path / "home" / "labs" / "projects"
    for name in ("shop/compose.yml", "data/all.env"):
        (projects / name).parent.mkdir(parents=True, exist_ok=True)
        (projects / name).write_text("a")

    copy_projects(Site(projects=projects), ("data",), ("data/all.env",), tmp_path / "copy", tmp_path / "home")

    assert (tmp_path / "copy" / "data" / "all.env").exists()


def test_a_link_among_the_projects_has_nothing_written_outside_of_the_copy(tmp_path: Path) -> None:
    """In the copy it leads to another place than it does where it was made."""
    projects = tmp_path / "projects"
    (projects / "shop").mkdir(parents=True)
    (projects / "shop" / "all.env").write_text("a")
    (projects / "common").symlink_to("../../" + f"{tmp_path.name}/projects/shop")

    copy_projects(
        Site(projects=projects), (), ("common/all.env",), tmp_path / "deep" / "er" / "copy", tmp_path / "home"
    )

    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"er"}
