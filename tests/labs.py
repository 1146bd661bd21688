"""Labs for tests: real ones, named by process, so that workers and people side by side never share one.

A plugin (tests/conftest.py): `engine` is the URL of a prepared Docker engine, `lab_factory` makes labs that are removed
at the end of the session. Without Docker these tests skip on a laptop and fail in CI.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from drbot.core.base.errors import UserError
from drbot.lab.engine import connect, exclusive
from drbot.lab.identity import identity_of
from drbot.lab.layout import PARTS
from drbot.lab.ownership import LABEL
from drbot.lab.second_engine import SecondEngine
from drbot.lab.setup import lab_home, labs_folder, open_lab, prepare
from drbot.lab.system import Lab
from tests.waiting import PATIENCE, wait_for

LabFactory = Callable[[str], Lab]


def mend(lab: Lab) -> None:
    """Make it anew unless all of it works. What does not even run is seen first: services that miss it take seconds to
    say so.
    """
    with lab.client() as client:
        found = [lab.container(client, part) for part in PARTS]
    runs = all(container is not None and container.status == "running" for container in found)
    if not runs or lab.faults():
        lab.reset()
        lab.up(print)


def wait_until_faultless(lab: Lab) -> None:
    """All of it, its stores too. A busy machine lets a health check of Docker's run out now and then; what is broken
    stays so.
    """
    wait_for(lambda: not lab.faults(), PATIENCE, f"every service of {lab.name} to work")


@pytest.fixture(scope="session")
def engine() -> str:
    """URL of a Docker engine that has the lab's images."""
    try:
        host = prepare(lab_home(), print)
    except UserError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with exclusive(lab_home() / "sweep.lock"):
        sweep(host)
    return host


@pytest.fixture(scope="session")
def lab_factory(engine: str) -> Iterator[LabFactory]:
    """Makes labs by a short name. A process has one at a time: asking for another removes it, or a dozen systems that
    nobody looks at would keep the machine busy.
    """
    labs: dict[str, Lab] = {}

    def clear() -> None:
        while labs:
            labs.popitem()[1].reset()

    def lab(name: str) -> Lab:
        if name not in labs:
            clear()
            labs[name] = Lab(name=f"t{os.getpid()}{name}", home=labs_folder(lab_home()), host=engine)
        mend(labs[name])
        return labs[name]

    yield lab
    clear()


@pytest.fixture(scope="module")
def second_engine(engine: str) -> Iterator[SecondEngine]:
    """The new host, empty but for images; one file of tests has it at a time."""
    with exclusive(lab_home() / "second-test.lock"):
        second = SecondEngine(home=lab_home())
        second.start()
        second.clear()
        yield second
        second.start()
        second.clear()
        second.stop()


def sweep(host: str) -> None:
    """Remove the labs of test runs that were killed."""
    client = connect(host)
    try:
        volumes = client.volumes.list(filters={"label": LABEL})
        names = {str((volume.attrs.get("Labels") or {}).get(LABEL)) for volume in volumes}
    finally:
        client.close()
    ours = identity_of(labs_folder(lab_home()))
    for name in names:
        process = re.fullmatch(rf"{ours}-(t(\d+)[a-z]\w*)", name)  # another checkout's labs are not ours to judge
        if process and not Path(f"/proc/{process[2]}").exists() and Path("/proc").exists():
            with suppress(UserError):
                open_lab(lab_home(), process[1]).reset()
