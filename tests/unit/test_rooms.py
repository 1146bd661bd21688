"""How the house may grow: few rooms, few floors, and nobody is reached in a circle."""

import pytest

from tests.rooms import FOLDERS, house


@pytest.mark.parametrize(
    ("folder", "rooms", "floors"), [("runners", 12, 7), ("commands", 5, 5), ("store", 5, 5), ("core", 8, 6)]
)
def test_a_folder_has_as_many_rooms_and_floors_as_one_can_remember(folder: str, rooms: int, floors: int) -> None:
    found = house(folder)

    assert found.rooms <= rooms and found.floors <= floors


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_two_rooms_need_each_other(folder: str) -> None:
    assert house(folder).circles == ()
