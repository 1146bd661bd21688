"""Two folders of labs are never taken for each other, wherever they came from."""

import shutil
from pathlib import Path

from drbot.lab.identity import identity_of
from drbot.lab.system import Lab


def lab_in(folder: Path) -> Lab:
    return Lab(name="main", home=folder, host="unix:///nowhere.sock")


def test_the_same_lab_of_two_checkouts_has_two_names_on_an_engine(tmp_path: Path) -> None:
    here, there = lab_in(tmp_path / "here"), lab_in(tmp_path / "there")

    assert here.label != there.label
    assert here.prefix != there.prefix
    assert here.prefix.startswith("drlab-") and here.prefix.endswith("-main-")


def test_a_lab_keeps_its_name_from_one_command_to_the_next(tmp_path: Path) -> None:
    assert lab_in(tmp_path).prefix == lab_in(tmp_path).prefix


def test_a_copy_of_a_checkout_is_not_the_checkout(tmp_path: Path) -> None:
    first = identity_of(tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "copy")

    assert identity_of(tmp_path / "copy") != first
    assert identity_of(tmp_path / "first") == first
