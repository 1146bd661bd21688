"""A process that stays up ends with its own exit code, whatever its threads are doing."""

import subprocess
import sys

# Python's way of ending a thread in the background is an exception that a library in Rust may not see.
BUSY = """
import sys, threading
from pydantic import BaseModel, field_validator
from drbot.cli.processes import leave

class Row(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def looked_at(cls, value):
        working.set()
        return sum(range(value))

def work():
    while True:
        Row(number=999)

working = threading.Event()
for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
working.wait()
print("the last word")
"""


def test_threads_that_still_work_change_neither_the_exit_code_nor_the_last_word() -> None:
    for _ in range(5):
        ended = subprocess.run(
            [sys.executable, "-c", BUSY + "leave(7)"], stdout=subprocess.PIPE, text=True, check=False
        )

        assert (ended.returncode, ended.stdout) == (7, "the last word\n")
