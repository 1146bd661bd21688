"""What may happen to a worker, its host and its backups in the middle of a recovery, and how it ends."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from drbot.lab.object_store import BUCKET, PREFIX
from tests.faulty_proxy import Faults
from tests.story.dying import kill_engine
from tests.story.new_host import Scene

AWAY_SECONDS = 10.0
PIECE_BYTES = 16 << 20


@dataclass
class Troubles:
    """Of one new host; one at a time."""

    scene: Scene
    disk: Path  # of the new host's engine
    bucket: Faults
    worker: str = ""  # name of the process
    mend: list[Callable[[], None]] = field(default_factory=list)

    def begin(self, how: str) -> None:
        """What dies is started again by whoever looks after the host."""
        troubles: Mapping[str, Callable[[], None]] = {
            "worker": self._die,
            "engine": lambda: kill_engine(self.scene.sites),
            "reboot": lambda: self._die(with_engine=True),
            "disk full": self._fill,
            "bucket away": lambda: self._fail(500),
            "bucket throttles": lambda: self._fail(503),
            "bucket overwritten": self._overwrite,
        }
        troubles[how]()

    def end(self) -> None:
        """What still goes on."""
        while self.mend:
            self.mend.pop()()

    def _die(self, *, with_engine: bool = False) -> None:
        stack = self.scene.player.stack
        stack.kill(self.worker)
        if with_engine:
            kill_engine(self.scene.sites)
        self.worker += "-again"
        stack.start(self.worker, "worker", "--site", "recovery")

    def _fill(self) -> None:
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:  # others write at the same time, so its size is not known before
                file.write(bytes(PIECE_BYTES))
        self.mend.append(filler.unlink)

    def _fail(self, status: int) -> None:
        """For a while."""
        self.bucket.status = status

        def over() -> None:
            self.bucket.status = None

        timer = threading.Timer(AWAY_SECONDS, over)
        timer.start()
        self.mend += [over, timer.cancel]

    def _overwrite(self) -> None:
        """By somebody who may write: junk of the same size under every key."""
        client = self.scene.sites.bucket.client()
        listed = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX)
        for one in [found for page in listed for found in page.get("Contents", ())]:
            put = client.put_object(Bucket=BUCKET, Key=one["Key"], Body=os.urandom(one["Size"]))
            key, version = one["Key"], put["VersionId"]
            self.mend.append(lambda key=key, version=version: client.delete_object(  # type: ignore[misc]
                Bucket=BUCKET, Key=key, VersionId=version, BypassGovernanceRetention=True))  # fmt: skip
