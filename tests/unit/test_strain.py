"""A promise is stretched where the machine has less to give, and only there."""

import os
import subprocess
import sys

from tests.strain import EVERY_SECONDS, Strain
from tests.waiting import wait_for

SPIN = "while True: pass"


def test_a_busy_machine_is_seen_and_its_promises_are_stretched() -> None:
    busy = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        with Strain() as strain:
            wait_for(lambda: strain.factor > 1.5, 10 * EVERY_SECONDS, "the strain to be felt")
    finally:
        for process in busy:
            process.kill()
            process.wait()

    assert strain.allows(10) > 15


def test_without_a_measurement_a_promise_is_what_it_is() -> None:
    assert Strain().allows(10) == 10
