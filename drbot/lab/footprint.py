"""What an engine of our own puts on the machine outside of its folder: a bridge, a firewall rule, mounts, processes.

Each is known by the engine's folder, so that several engines side by side take away their own and nothing else.
daemon.py comes here when it starts and stops one.
"""

import hashlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.text.messages import phrase

TRIED: str = phrase("Tried to start a Docker engine.")
PROGRAMS = (b"dockerd", b"containerd", b"runc", b"docker-proxy")

FROM_DOCKER = (b"/", b"/etc/hosts", b"/etc/hostname", b"/etc/resolv.conf")

Folders = tuple[Path, ...]


def bridge_of(home: Path) -> str:
    """The bridge of this engine's containers that name no network. docker0 is left to the machine's own engine."""
    return f"drbot{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"


def options(home: Path) -> tuple[str, ...]:
    """For dockerd: its own bridge, no rules and no settings of the machine. Docker's proxy publishes the ports."""
    return (f"--bridge={bridge_of(home)}", "--iptables=false", "--ip6tables=false", "--ip-forward=false")


def open_network(home: Path) -> None:
    """The bridge, and the rule that lets pass what stays within one; both may be there already. Raises UserError."""
    bridge = bridge_of(home)
    if not is_link(bridge):
        ip("link", "add", bridge, "type", "bridge")
        ip("addr", "add", free_gateway(bridge), "dev", bridge)
        ip("link", "set", bridge, "up")
    if shutil.which("iptables") and not firewall("-C", bridge):
        firewall("-I", bridge)


def close_network(home: Path) -> None:
    bridge = bridge_of(home)
    while shutil.which("iptables") and firewall("-C", bridge):
        firewall("-D", bridge)
    if is_link(bridge):
        ip("link", "delete", bridge)


def is_link(name: str) -> bool:
    return Path(f"/sys/class/net/{name}").exists()


def free_gateway(bridge: str) -> str:
    """An address that no interface has, the same each time where possible."""
    taken = ip("-o", "addr")
    first = int(hashlib.sha256(bridge.encode()).hexdigest(), 16) % 250
    found = (f"10.213.{(first + step) % 250}.1/24" for step in range(250))
    return next(address for address in found if f" {address} " not in taken)


def ip(*arguments: str) -> str:
    """What ip says. Raises UserError."""
    program = shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin")
    if program is None:
        raise UserError(TRIED, phrase("There is no ip."), phrase("Install the package iproute2."))
    done = subprocess.run([program, *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        raise UserError(TRIED, f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def firewall(action: str, bridge: str) -> bool:
    """Whether iptables did this with our rule. Another engine on the machine may have set the policy to drop."""
    bridged = ("-m", "physdev", "--physdev-is-bridged", "-m", "comment", "--comment", bridge, "-j", "ACCEPT")
    return subprocess.run(["iptables", "-w", action, "FORWARD", *bridged], capture_output=True).returncode == 0


def kill_processes(folders: Folders) -> None:
    """End what a killed engine left running: containerd, its shims, and what runs in the containers."""
    for process in processes(folders):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def processes(folders: Folders) -> list[int]:
    """Docker's programs with one of these folders in their command, and what lives in a container made there."""
    known = [f"{folder}/".encode() for folder in folders]
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _belongs(path, known)]


def _belongs(process: Path, folders: list[bytes]) -> bool:
    try:
        command = (process / "cmdline").read_bytes()
        program = command.split(b"\0")[0].rpartition(b"/")[2]
        if program.startswith(PROGRAMS) and any(folder in command for folder in folders):
            return True
        if (process / "ns/mnt").readlink() == Path("/proc/self/ns/mnt").readlink():
            return False
        # A service with a namespace of its own sees our mounts too; only a container has its root or names from us.
        lines = [line for line in (process / "mountinfo").read_bytes().splitlines() if line.split()[4] in FROM_DOCKER]
        return any(folder in line for line in lines for folder in folders)
    except OSError:  # it has ended meanwhile
        return False


def unmount(folders: Folders) -> None:
    """Take away every mount below these folders, the innermost first; what is busy goes when it is let go."""
    for point in mounts(folders):
        if subprocess.run(["umount", point], capture_output=True).returncode != 0:
            subprocess.run(["umount", "-l", point], capture_output=True)


def mounts(folders: Folders) -> list[str]:
    """The mount points below these folders, innermost first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].replace("\\040", " ") for line in lines]
    return [point for point in reversed(points) if any(Path(point).is_relative_to(folder) for folder in folders)]
