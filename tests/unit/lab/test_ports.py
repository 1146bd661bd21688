"""Ports that programs of one lab listen on."""

from pathlib import Path

from drbot.lab.ports import port_of

MANY = 500  # of 12,000: two of them would be the same


def test_programs_of_one_folder_never_get_the_same_port(tmp_path: Path) -> None:
    ports = [port_of(tmp_path / f"{number}.port") for number in range(MANY)]

    assert len(set(ports)) == MANY
    assert [port_of(tmp_path / f"{number}.port") for number in range(MANY)] == ports
