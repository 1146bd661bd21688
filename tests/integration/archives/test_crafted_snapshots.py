"""A snapshot that somebody has crafted, under right digests: refused with the survey, for everybody who writes in a
repository without a password can make one.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.full_manifest import full_name
from drbot.runners.backups.choose_full import FullRules, choose_full_backup, judged
from drbot.runners.clients.snapshot_shape import Shape, fault_of
from tests.archives import MOMENT, put, store_in

RULES = FullRules(system="shop", site="production", server_major=15)
PROJECT = "projects/ai-micro-postgres"


def replaced_by_a_link(path: Path, target: str) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to(target)


CRAFTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a pipe among the settings": (
        lambda top: os.mkfifo(top / PROJECT / "pipe"),
        f"/{PROJECT}/pipe among its settings is neither a file nor a folder (fifo)",
    ),
    "settings that are a link": (lambda top: replaced_by_a_link(top / "projects", "/etc"), "/projects in it is no"),
    "a dump that is a link": (
        lambda top: replaced_by_a_link(top / "own/all_databases.sql", "/etc/shadow"),
        "/own/all_databases.sql in it is a link",
    ),
    "a volume that is a link": (
        lambda top: replaced_by_a_link(top / "files/uploads", "/"),
        "/files/uploads in it is no",
    ),
    "less than it says": (lambda top: shutil.rmtree(top / "files/uploads"), "holds no uploads, although"),
}


def test_each_crafted_one_is_refused_with_its_reason_and_hides_no_good_one(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    put(store)
    for number, (plant, _) in enumerate(CRAFTED.values()):
        put(store, MOMENT + timedelta(hours=number + 1), plant=plant, files=("uploads",))

    chosen = choose_full_backup((store,), RULES)

    assert chosen.backup.name == full_name(MOMENT)
    for (_, said), refused in zip(CRAFTED.values(), reversed(chosen.refused), strict=True):
        assert said in refused


def test_its_room_is_counted_whatever_it_says_of_itself(tmp_path: Path) -> None:
    backup = put(store_in(tmp_path), weight=4096)

    assert judged(replace(backup, size=0), RULES).size == judged(backup, RULES).size == backup.size > 4096


@pytest.mark.parametrize(
    ("path", "name", "kind", "said"),
    [
        ("/etc", "..", "dir", "would be written elsewhere"),
        ("/projects/a", "../a", "file", "would be written elsewhere"),
        ("/projects", "", "dir", "would be written elsewhere"),
        ("/projects/shop/b", "a", "file", "would be written elsewhere"),
        ("/projects/x/" + "n" * 256, "n" * 256, "file", "longer than any file system takes"),
        ("/projects/x/disk", "disk", "dev", "is neither a file nor a folder"),
        ("/projects/x/tty", "tty", "chardev", "is neither a file nor a folder"),
        ("/linked/x/socket", "socket", "socket", "is neither a file nor a folder"),
        ("/own/what", "what", "irregular", "is neither a file nor a folder"),
        ("/files", "files", "file", "is no folder"),
    ],
)
def test_what_no_restic_would_write_is_seen(path: str, name: str, kind: str, said: str) -> None:
    shape = Shape()

    shape.take({"message_type": "node", "path": path, "name": name, "type": kind})

    assert said in (shape.fault or "")


@pytest.mark.parametrize("kind", ["dev", "fifo", "symlink"])
def test_what_lies_in_volumes_is_data(kind: str) -> None:
    assert fault_of("/files/uploads/x", "x", kind) is None
    assert fault_of("/projects/shop/x", "x", "symlink") is None


@pytest.mark.parametrize("files", [("orders",), ("uploads", "orders")])
def test_one_that_holds_less_than_its_manifest_says_is_refused_with_the_survey(
    tmp_path: Path, files: tuple[str, ...]
) -> None:
    backup = put(store_in(tmp_path), files=files)

    with pytest.raises(PermanentError, match="holds no orders, although its manifest says so"):
        judged(backup, RULES)
