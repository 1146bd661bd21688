"""A name server that answers what stands in the lab's Route 53 zone: dnsmasq, started anew at every change.

`python -m drbot.lab.name_server FOLDER PORT` is the process that follows the zone; it ends dnsmasq with itself.
"""

import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from drbot.lab.cloud import ZONE, Cloud
from drbot.lab.ports import port_of
from drbot.lab.programs import Program

FOLLOW_SECONDS = 0.3
OPTIONS = (
    "--conf-file=/dev/null", "--pid-file=", "--user=root", "--listen-address=127.0.0.1", "--bind-interfaces",
    "--no-resolv", "--no-hosts", "--cache-size=0",
    # Not --no-daemon: it answers TCP in the same process, so one idle connection would silence every UDP answer.
    "--keep-in-foreground", "--log-facility=-",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class NameServer:
    cloud: Cloud

    @property
    def port(self) -> int:
        """Its UDP and TCP port on 127.0.0.1."""
        return port_of(self.cloud.folder / "names.port")

    @property
    def address(self) -> str:
        """host:port for `dns.server` in dr.yml."""
        return f"127.0.0.1:{self.port}"

    @property
    def program(self) -> Program:
        command = (
            sys.executable,
            "-P",
            "-m",
            "drbot.lab.name_server",
            str(self.cloud.folder.resolve()),
            str(self.port),
        )
        root = str(Path(__file__).parents[2])
        return Program(name="names", folder=self.cloud.folder, command=command, environment={"PYTHONPATH": root})

    def start(self) -> None:
        """Run it and wait until it answers. Raises UserError."""
        self.program.start(self.answers)

    def stop(self) -> None:
        self.program.stop()

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def dnsmasq() -> str:
    """Its path; sbin is not on everybody's path."""
    return shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin:/sbin") or "dnsmasq"


def options(cloud: Cloud) -> tuple[str, ...]:
    """dnsmasq's options for the zone's A records, each with its own TTL."""
    found = (
        f"--host-record={record['Name'].rstrip('.')},{one['Value']},{record['TTL']}"
        for record in cloud.records()
        if record["Type"] == "A"
        for one in record.get("ResourceRecords", ())  # an alias has none
    )
    return (f"--local=/{ZONE.rstrip('.')}/", *found)


def follow(cloud: Cloud, port: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    fixed = [dnsmasq(), *OPTIONS, f"--port={port}"]
    served: tuple[str, ...] = ()
    running: subprocess.Popen[bytes] | None = None
    try:
        while running is None or running.poll() is None:
            wanted = options(cloud)
            if wanted != served:
                end(running)
                served, running = wanted, subprocess.Popen([*fixed, *wanted])
            time.sleep(FOLLOW_SECONDS)
    finally:
        end(running)


def end(running: "subprocess.Popen[bytes] | None") -> None:
    if running is not None:
        running.terminate()
        running.wait()


if __name__ == "__main__":
    follow(Cloud(folder=Path(sys.argv[1])), int(sys.argv[2]))
