"""The zoo of one process: animals on one engine, removed when they are no longer looked at."""

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drbot.lab.engine import connect
from drbot.lab.identity import identity_of
from drbot.lab.setup import lab_home, labs_folder
from tests.zoo.animals import ANIMALS, Animal
from tests.zoo.images import ensure_zoo_images
from tests.zoo.keeper import PROJECT, Kept, two_ports
from tests.zoo.seeding import seed


@dataclass(frozen=True, kw_only=True, slots=True)
class Zoo:
    """All names begin with `drlab-`, the folder of labs and the process: nobody else's are ever touched."""

    home: Path
    host: str

    @property
    def prefix(self) -> str:
        return f"{_mark()}{os.getpid()}-"

    def prepare(self) -> None:
        """Images, and no animal of a process that was killed."""
        ensure_zoo_images(self.host)
        with closing(connect(self.host)) as client:
            labels = [one.labels.get(PROJECT, "") for one in client.containers.list(all=True, ignore_removed=True)]
            names = [*labels, *(str(volume.name) for volume in client.volumes.list())]
        for process in {found[1] for name in names if (found := re.match(rf"{_mark()}(\d+)-", name))}:
            if not Path(f"/proc/{process}").exists() and Path("/proc").exists():
                for animal in ANIMALS:
                    kept = Kept(
                        animal=animal, home=self.home, host=self.host, prefix=f"{_mark()}{process}-", ports=(0, 0)
                    )
                    kept.remove()

    def settled(self, animal: Animal) -> Kept:
        """Its files alone."""
        kept = Kept(animal=animal, home=self.home, host=self.host, prefix=self.prefix, ports=two_ports())
        kept.settle()
        return kept

    @contextmanager
    def keeping(self, animal: Animal) -> Iterator[Kept]:
        """It works and holds real data, as long as somebody looks at it."""
        kept = self.settled(animal)
        try:
            kept.up()
            seed(kept)
            kept.wait_until_well()
            yield kept
        finally:
            kept.remove()


def open_zoo(host: str) -> Zoo:
    """Ready to keep animals on an engine that has the lab's images."""
    zoo = Zoo(home=lab_home() / "zoo", host=host)
    zoo.prepare()
    return zoo


def _mark() -> str:
    return f"drlab-{identity_of(labs_folder(lab_home()))}-zoo"
