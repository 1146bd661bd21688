"""The lab as levels 3 and 4 need it: production, an empty new host, and everything around them, described in dr.yml."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from drbot.core.site.site import (
    Certificate,
    Configuration,
    Dns,
    ObjectStore,
    Provision,
    Recovery,
    Repository,
    Service,
    Site,
)
from drbot.core.text.messages import phrase
from drbot.lab import programs, repository
from drbot.lab.certificates import CertificateAuthority
from drbot.lab.cloud import NAME, TTL_SECONDS, ZONE, Cloud
from drbot.lab.compose import read_env
from drbot.lab.engine import Say
from drbot.lab.extras import EDGE, Extras
from drbot.lab.images import MONITORING_IMAGES, SYSTEM_IMAGES
from drbot.lab.layout import PARTS, as_yaml, describe, describe_site
from drbot.lab.machine_room import MachineRoom
from drbot.lab.name_server import NameServer
from drbot.lab.object_store import BUCKET, PREFIX, SECOND_BUCKET, Bucket
from drbot.lab.second_engine import ADDRESS, SecondEngine
from drbot.lab.system import Lab


@dataclass(frozen=True, kw_only=True, slots=True)
class Sites:
    """Production, recovery, and what is outside of both; `home` holds the engines."""

    lab: Lab
    home: Path

    @property
    def folder(self) -> Path:
        """Where everything outside of production keeps its files; a lost host does not take it along."""
        return (self.lab.folder / "outside").resolve()

    @property
    def host_socket(self) -> Path:
        """Production's engine as drbot reaches it; a lost host loses it, though the engine serves other labs."""
        return self.lab.folder / "host.sock"

    @property
    def bucket(self) -> Bucket:
        return Bucket(folder=self.folder)

    @property
    def cloud(self) -> Cloud:
        return Cloud(folder=self.folder)

    @property
    def names(self) -> NameServer:
        return NameServer(cloud=self.cloud)

    @property
    def authority(self) -> CertificateAuthority:
        return CertificateAuthority(folder=self.folder, names=self.names.address)

    @property
    def second(self) -> SecondEngine:
        """The new host's engine."""
        return SecondEngine(home=self.home)

    @property
    def machine_room(self) -> MachineRoom:
        """What starts the new host when somebody rents it."""
        return MachineRoom(cloud=self.cloud, second=self.second, first=self.lab.host)

    @property
    def recovered(self) -> Lab:
        """The lab on the new host."""
        return replace(
            self.lab, host=self.second.host, address=ADDRESS, moved_to=self.folder / "new-host" / "ai-micro-service"
        )

    def up(self, say: Say, *, new_host: bool = True) -> Configuration:
        """Complete a lab that is up, and write its dr.yml. `new_host=False`: it must be rented (level 4) first."""
        extras = Extras(lab=self.lab)
        extras.write()
        self.empty_new_host()
        around = phrase("Starting HTTPS, monitoring, S3, EC2 and Route 53")
        with_host = phrase("Starting HTTPS, monitoring, S3, EC2 and Route 53, and an empty new host")
        say(with_host if new_host else around)
        starts = (extras.start, self.bucket.start, self.cloud.start, *((self.start_new_host,) if new_host else ()))
        with ThreadPoolExecutor(len(starts)) as pool:
            list(pool.map(lambda start: start(), starts))
        self.cloud.give_back()
        self.cloud.point(NAME, "127.0.0.1")
        say(phrase("Starting a name server and an ACME server"))
        self.names.start()
        self.authority.start()
        link(self.lab.host, self.host_socket)
        commit = repository.publish(self.lab.projects, self.folder / "repository.git")
        configuration = self.describe(commit)
        self.lab.configuration.write_text(as_yaml(configuration))
        if not new_host:
            self.machine_room.start()
        return configuration

    def start_new_host(self) -> None:
        """Docker and the images are there, as on a machine that was prepared; nothing of the lab."""
        self.second.start()
        self.second.prestage(self.lab.host, (*SYSTEM_IMAGES, *MONITORING_IMAGES))

    def down(self) -> None:
        """Stop everything outside of production and remove what the lab has on the new host."""
        programs.stop_all(self.folder)
        self.empty_new_host()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.host_socket.unlink(missing_ok=True)

    def reset(self) -> None:
        """Remove everything of the lab: production, the new host, and what is outside of both."""
        self.down()
        self.lab.reset()

    def empty_new_host(self) -> None:
        """Remove what this lab has on the new host, which stops unless another lab is on it."""
        shutil.rmtree(self.folder / "new-host", ignore_errors=True)
        if self.second.is_up():
            self.recovered.remove()
            if not self.second.is_used():
                self.second.stop()

    def describe(self, commit: str) -> Configuration:
        """dr.yml with both sites and all that is outside."""
        base = describe(self.lab.folder, self.lab.prefix, socket_of(self.host_socket, self.lab.host), self.ports())
        extras = Extras(lab=self.lab)
        recovery = describe_site(
            self.recovered.projects, self.lab.prefix, self.second.host, self.ports(), address=ADDRESS, title="New host"
        )
        recovery = complete(recovery, extras, ADDRESS).model_copy(
            update={"provision": Provision(image=self.cloud.image(), endpoint=self.cloud.endpoint)}
        )
        sites = {
            "production": complete(base.site(), extras, "127.0.0.1"),
            "recovery": recovery,
            "control": Site(title="Outside of both", projects=self.lab.folder),
        }
        outside = {
            "recovery": Recovery(site="recovery", control="control"),
            "object_store": ObjectStore(
                bucket=BUCKET, second_bucket=SECOND_BUCKET, prefix=PREFIX, endpoint=self.bucket.endpoint, lock=86_400.0
            ),
            "repository": Repository(url=f"file://{self.folder / 'repository.git'}", commit=commit),
            "dns": Dns(
                zone=ZONE, names=(NAME,), ttl=TTL_SECONDS, endpoint=self.cloud.endpoint, server=self.names.address,
                url=f"https://{NAME}:{extras.port(EDGE)}/health",
            ),
            "certificate": Certificate(
                names=(NAME,), email="operations@example.com", directory=self.authority.directory,
                http_port=self.authority.http_port, trust=self.authority.trust, roots=self.authority.roots,
                install=f"{self.lab.prefix}{EDGE}/certificates",
            ),
        }  # fmt: skip
        return base.model_copy(update={"sites": sites, **outside})

    def ports(self) -> dict[str, int]:
        """The port of each service; the same on both hosts."""
        found = {part.name: read_env(self.lab.project(part)).get("PORT") for part in PARTS}
        return {name: int(port) for name, port in found.items() if port}


def complete(site: Site, extras: Extras, address: str) -> Site:
    services: dict[str, Service] = {**site.services, "edge": extras.describe_edge()}
    monitoring = extras.describe_monitoring(address)
    return site.model_copy(update={"services": services, "monitoring": monitoring, "address": address})


def link(host: str, path: Path) -> None:
    """A second way to the engine, if it listens on a socket."""
    if host.startswith("unix://"):
        path.unlink(missing_ok=True)
        path.symlink_to(host.removeprefix("unix://"))


def socket_of(path: Path, host: str) -> str:
    """URL of the engine by way of the link; its own where there can be none."""
    return f"unix://{path.absolute()}" if path.is_symlink() and len(str(path.absolute())) < 100 else host
