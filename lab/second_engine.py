"""A second Docker engine of our own plays the new host of levels 3 and 4: empty until somebody brings images.

Both engines share one network namespace. The second touches no firewall chain of the first; its containers are
published by Docker's proxy on a loopback address of their own, which is the new host's address.
"""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import docker

from core.errors import UserError
from lab import daemon
from lab.engine import answers, connect, exclusive

ADDRESS = "127.0.0.2"
# docker0 is the first engine's. "none", or an address pool of our own, would make the second remove it.
BRIDGE, GATEWAY = "drbot1", "10.213.255.1/24"
OPTIONS = (f"--bridge={BRIDGE}", "--iptables=false", "--ip6tables=false")
# Where the first engine filters bridged traffic, its policy is to drop. This lets pass what stays within one bridge,
# in the chain Docker leaves to others.
FIREWALL_RULE = ("DOCKER-USER", "-m", "physdev", "--physdev-is-bridged", "-j", "ACCEPT")


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondEngine:
    """The new host. There is one below each home of labs; labs on it are told apart by their names, as on the first."""

    home: Path  # the same as the first engine's

    @property
    def folder(self) -> Path:
        """Where it keeps everything."""
        return self.home.resolve() / "second"

    @property
    def host(self) -> str:
        """Its URL."""
        return daemon.socket_url(self.folder)

    def client(self) -> docker.DockerClient:
        """A connection; the caller closes it."""
        return connect(self.host, timeout_seconds=120)

    def start(self) -> str:
        """Its URL, once it answers. Also after it was killed. Raises UserError."""
        if not daemon.installed():
            raise UserError("Tried to start a new host.", "There is no dockerd here.", "Run: drbot lab up")
        with exclusive(self.home / "second.lock"):
            if not answers(self.host):
                ensure_bridge()
                daemon.start(self.folder, answers, OPTIONS)
            open_firewall()
        return self.host

    def is_up(self) -> bool:
        """Whether it answers."""
        return answers(self.host)

    def is_used(self) -> bool:
        """Whether a container of any lab is on it."""
        client = self.client()
        try:
            return bool(client.containers.list(all=True, ignore_removed=True))
        finally:
            client.close()

    def stop(self) -> None:
        """End it and wait for it; what it holds stays."""
        with exclusive(self.home / "second.lock"):
            daemon.stop(self.folder)
            close_firewall()
            subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True)

    def clear(self) -> None:
        """Remove everything from it but the images. It must be up."""
        client = self.client()
        try:
            for container in client.containers.list(all=True, ignore_removed=True):
                container.remove(force=True, v=True)
            for volume in client.volumes.list():
                volume.remove(force=True)
            client.networks.prune()
        finally:
            client.close()

    def wipe(self) -> None:
        """Leave an empty machine, stopped."""
        if not self.folder.exists():
            return
        self.start()  # a killed one left containers running; only an engine ends them
        self.clear()
        self.stop()
        # A killed engine leaves its data folder mounted on itself.
        subprocess.run(["umount", str(self.folder / "engine" / "data")], capture_output=True)
        shutil.rmtree(daemon.runtime_folder(self.folder), ignore_errors=True)
        shutil.rmtree(self.folder)

    def prestage(self, first: str, images: Iterable[str]) -> tuple[str, ...]:
        """Copy these images from the engine at `first` where they are missing or older; returns the copied."""
        source, target = connect(first), self.client()
        try:
            there = {tag: image.id for image in target.images.list() for tag in image.tags}
            wanted = {image: source.images.get(image).id for image in images}
        finally:
            source.close()
            target.close()
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
        raise UserError(f"Tried to copy {', '.join(images)} to the new host.", loaded.stderr.strip())


def ensure_bridge() -> None:
    """The bridge of its containers that name no network. Raises UserError."""
    if Path(f"/sys/class/net/{BRIDGE}").exists():
        return
    for command in (("link", "add", BRIDGE, "type", "bridge"), ("addr", "add", GATEWAY, "dev", BRIDGE)):
        ip(*command)
    ip("link", "set", BRIDGE, "up")


def ip(*arguments: str) -> None:
    """Run ip. Raises UserError."""
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise UserError("Tried to start a new host.", "There is no ip.", "Install the package iproute2.") from error
    if done.returncode != 0:
        raise UserError("Tried to start a new host.", f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def open_firewall() -> None:
    """Let the second engine's containers reach each other; nothing to do where the first engine filters nothing."""
    if shutil.which("iptables") and not firewall("-C"):
        firewall("-I")


def close_firewall() -> None:
    """Take our rule away again."""
    while shutil.which("iptables") and firewall("-C"):
        firewall("-D")


def firewall(action: str) -> bool:
    """Whether iptables did this with our rule."""
    return subprocess.run(["iptables", "-w", action, *FIREWALL_RULE], capture_output=True).returncode == 0
