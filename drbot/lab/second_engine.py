"""A second Docker engine of our own plays the new host of levels 3 and 4: empty until somebody brings images.

Both engines share one network namespace. Its containers are published by Docker's proxy on a loopback address of their
own, which is the new host's address.
"""

import shutil
import subprocess
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import docker

from drbot.core.base.errors import UserError
from drbot.core.text.messages import listed, phrase
from drbot.lab import daemon
from drbot.lab.engine import answers, clear, connect, exclusive, wipe_engine

ADDRESS = "127.0.0.2"


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondEngine:
    """The new host. There is one below each home of labs; labs on it are told apart by their names, as on the first."""

    home: Path  # the same as the first engine's

    @property
    def folder(self) -> Path:
        return self.home.resolve() / "second"

    @property
    def host(self) -> str:
        return daemon.socket_url(self.folder)

    def client(self) -> docker.DockerClient:
        """A connection; the caller closes it."""
        return connect(self.host, timeout_seconds=120)

    def start(self) -> str:
        """Its URL, once it answers. Also after it was killed. Raises UserError."""
        if not daemon.installed():
            raise UserError(
                phrase("Tried to start a new host."), phrase("There is no dockerd here."), phrase("Run: drbot lab up")
            )
        with exclusive(self.home / "second.lock"):
            if not answers(self.host):
                daemon.start(self.folder, answers)
        return self.host

    def is_up(self) -> bool:
        return answers(self.host)

    def is_used(self) -> bool:
        """Whether a container of any lab is on it."""
        with closing(self.client()) as client:
            return bool(client.containers.list(all=True, ignore_removed=True))

    def stop(self) -> None:
        """End it and wait for it; what it holds stays."""
        with exclusive(self.home / "second.lock"):
            daemon.stop(self.folder)

    def clear(self) -> None:
        """Remove everything from it but the images. It must be up."""
        clear(self.host)

    def wipe(self) -> None:
        """Leave an empty machine, stopped."""
        if not self.folder.exists():
            return
        with exclusive(self.home / "second.lock"):
            wipe_engine(self.folder)
            shutil.rmtree(self.folder)

    def prestage(self, first: str, images: Iterable[str]) -> tuple[str, ...]:
        """Copy these images from the engine at `first` where they are missing or older; returns the copied."""
        with closing(connect(first)) as source, closing(self.client()) as target:
            there = {tag: image.id for image in target.images.list() for tag in image.tags}
            wanted = {image: source.images.get(image).id for image in images}
        missing = tuple(image for image, identity in wanted.items() if there.get(image) != identity)
        if missing:
            copy(first, self.host, missing)
        return missing


def copy(first: str, second: str, images: tuple[str, ...]) -> None:
    """`docker save | docker load`. Raises UserError."""
    with subprocess.Popen(["docker", "-H", first, "save", *images], stdout=subprocess.PIPE) as saved:
        load = ["docker", "-H", second, "load", "--quiet"]
        loaded = subprocess.run(load, stdin=saved.stdout, capture_output=True, text=True)
    if saved.returncode or loaded.returncode:
        raise UserError(phrase("Tried to copy {images} to the new host.", images=listed(images)), loaded.stderr.strip())
