"""Where rented machines come from: moto runs none, so this starts the new host when EC2 says that one runs.

`python -m drbot.lab.machine_room FOLDER HOME ENGINE` is the process that watches.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from drbot.lab.cloud import Cloud
from drbot.lab.images import MONITORING_IMAGES, SYSTEM_IMAGES
from drbot.lab.programs import Program
from drbot.lab.second_engine import SecondEngine

WATCH_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineRoom:
    """Watches one lab's cloud; `first` is the engine the new one gets its images from."""

    cloud: Cloud
    second: SecondEngine
    first: str

    @property
    def program(self) -> Program:
        arguments = (str(self.cloud.folder), str(self.second.home.resolve()), self.first)
        return Program(
            name="machines",
            folder=self.cloud.folder,
            command=(sys.executable, "-P", "-m", "drbot.lab.machine_room", *arguments),
            environment={"PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def start(self) -> None:
        self.program.start(lambda: self.program.process() is not None)

    def is_done(self) -> bool:
        return self.program.process() is None and self.second.is_up()

    def watch(self) -> None:
        """Until a machine was rented, then start it with the images its own image would have."""
        while not self.cloud.machines():
            time.sleep(WATCH_SECONDS)
        self.second.start()
        self.second.prestage(self.first, (*SYSTEM_IMAGES, *MONITORING_IMAGES))


if __name__ == "__main__":
    folder, home, engine = sys.argv[1:]
    MachineRoom(cloud=Cloud(folder=Path(folder)), second=SecondEngine(home=Path(home)), first=engine).watch()
