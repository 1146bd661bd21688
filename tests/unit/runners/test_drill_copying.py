"""A drill's copy of the compose projects."""

import os
import socket
from pathlib import Path

from drbot.core.site.site import Site
from drbot.runners.upkeep.drill_copying import copy_projects


def test_sockets_and_pipes_of_running_programs_are_left_out(tmp_path: Path) -> None:
    project = tmp_path / "projects" / "shop"
    (project / "run").mkdir(parents=True)
    (project / "compose.yml").write_text("services: {}")
    (project / "link.yml").symlink_to("compose.yml")
    os.mkfifo(project / "run" / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(project / "run" / "s"))

        copy_projects(Site(projects=tmp_path / "projects"), (), (), tmp_path / "copy")

    copied = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*")}
    assert copied == {"shop", "shop/compose.yml", "shop/link.yml", "shop/run"}
