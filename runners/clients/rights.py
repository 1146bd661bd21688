"""What a container may do beyond an ordinary one: as the engine has made it, and as a compose file asks for it.

Each right is one word, the same on both sides, so what is asked for beyond what is there is a difference of sets. What
no list here knows counts as a right that nobody has: Compose invents new ones.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drbot.core.site.site import Service
from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.docker_engine import DockerEngine, VolumeIdentity

ORDINARY_KEYS = frozenset({
    "annotations", "attach", "blkio_config", "build", "cap_drop", "command", "configs", "container_name", "cpu_count",
    "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus", "cpuset",
    "depends_on", "deploy", "develop", "dns", "dns_opt", "dns_search", "domainname", "entrypoint", "env_file",
    "environment", "expose", "external_links", "extra_hosts", "group_add", "healthcheck", "hostname", "image", "init",
    "label_file", "labels", "links", "logging", "mac_address", "mem_limit", "mem_reservation", "mem_swappiness",
    "memswap_limit", "networks", "oom_kill_disable", "oom_score_adj", "pids_limit", "platform", "ports", "post_start",
    "pre_stop", "profiles", "pull_policy", "pull_refresh_after", "read_only", "restart", "scale", "secrets",
    "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits",
    "user", "volumes", "working_dir",
})  # fmt: skip
"""Of a service; what of them can ask for more is looked at by itself."""
VALUES = {
    "cgroup": "CgroupnsMode", "cgroup_parent": "CgroupParent", "ipc": "IpcMode", "network_mode": "NetworkMode",
    "pid": "PidMode", "runtime": "Runtime", "userns_mode": "UsernsMode", "uts": "UTSMode",
}  # fmt: skip
LISTS = {"cap_add": "CapAdd", "device_cgroup_rules": "DeviceCgroupRules", "security_opt": "SecurityOpt"}
"""Compose's word → the engine's."""
OWN_VALUES = frozenset({"", "bridge", "default", "none", "private", "shareable"})
BRIDGES = frozenset({"", "bridge", "overlay"})
BINDS = frozenset({"bind", "rbind"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Rights:
    """Of one container."""

    words: frozenset[str] = frozenset()
    user: str = ""  # "" = root, as of most images

    def beyond(self, other: "Rights") -> tuple[str, ...]:
        """Names of what is asked for here, and is not there."""
        more = {"user: root"} if is_root(self.user) and not is_root(other.user) else set[str]()
        return tuple(sorted(self.words - other.words | more))


ORDINARY = Rights()


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A service as `docker compose config` writes its project. `own`: the folder of a drill, whose files are nobody
    else's, and whose engine has volumes of its own; None: it would run on production's.
    """

    document: Mapping[str, Any]
    service: str
    own: Path | None = None

    @property
    def image(self) -> str:
        """As the container is made from it."""
        return str(self._said.get("image") or f"{self.document.get('name')}-{self.service}")

    def rights(self, image_user: str) -> Rights:
        """All that it asks for. `image_user`: whom the image names."""
        words = frozenset((*self._plain(), *self._special(), *self._networks(), *self._mounts(self._said)))
        return Rights(words=words, user=str(self._said.get("user") or image_user))

    @property
    def _said(self) -> Mapping[str, Any]:
        return dict(self.document["services"][self.service])

    def _plain(self) -> Iterator[str]:
        said = {key: value for key, value in self._said.items() if value and not key.startswith("x-")}
        known = {*ORDINARY_KEYS, *VALUES, *LISTS, "devices", "gpus", "privileged", "volumes_from"}
        yield from (key for key in said if key not in known)
        yield from _plain({name: said.get(key) for key, name in (VALUES | LISTS).items()})
        if said.get("privileged"):
            yield "privileged"

    def _special(self) -> Iterator[str]:
        said = self._said
        yield from (f"devices: {source} {how}" for source, how in map(_device, said.get("devices") or ()))
        limits = (said.get("deploy") or {}).get("resources") or {}
        if said.get("gpus") or (limits.get("reservations") or {}).get("devices"):
            yield "gpus"
        for hook in ("post_start", "pre_stop"):
            yield from (f"{hook}: privileged" for one in said.get(hook) or () if one.get("privileged"))
        build = said.get("build") or {}
        yield from (f"build: {key}" for key in ("entitlements", "privileged") if build.get(key))

    def _networks(self) -> Iterator[str]:
        known = self.document.get("networks") or {}
        for key in self._said.get("networks") or ():
            network = known.get(key) or {}
            if network.get("name") == "host":
                yield "network_mode: host"
            if (network.get("driver") or "") not in BRIDGES:
                yield f"networks: {network['driver']}"

    def _mounts(self, said: Mapping[str, Any]) -> Iterator[str]:
        """What it sees of files and volumes, by way of another service too."""
        for mount in said.get("volumes") or ():
            writable = not mount.get("read_only")
            if mount["type"] == "bind":
                yield from self._path(str(mount["source"]), writable=writable)
            elif mount["type"] == "volume":
                yield from self._volume(mount.get("source"), writable=writable)
            elif mount["type"] != "tmpfs":
                yield f"volumes: {mount['type']}"
        for kind in ("configs", "secrets"):
            given = [(self.document.get(kind) or {}).get(one["source"]) or {} for one in said.get(kind) or ()]
            for file in filter(None, (one.get("file") for one in given)):
                yield from self._path(str(file), writable=False)
        for name in said.get("volumes_from") or ():
            other = self.document["services"].get(name.partition(":")[0])
            yield from self._mounts(other) if other else (f"volumes_from: {name}",)

    def _path(self, source: str, *, writable: bool) -> Iterator[str]:
        if self.own is None or not _real(source).is_relative_to(_real(self.own)):
            yield _mounted(str(_real(source)), writable=writable)

    def _volume(self, key: str | None, *, writable: bool) -> Iterator[str]:
        volume = (self.document.get("volumes") or {}).get(key) or {}
        driver, options = volume.get("driver") or "local", volume.get("driver_opts") or {}
        if _is_bind(driver, options):
            yield from self._path(str(options["device"]), writable=writable)
        elif driver != "local" or options:
            yield _mounted(_made_of(str(volume.get("name")), driver, options), writable=writable)
        elif volume and self.own is None:
            yield _mounted(str(volume["name"]), writable=writable)


def rights_of(found: Mapping[str, Any], engine: DockerEngine) -> Rights:
    """Of a container that was inspected."""
    host = found["HostConfig"]
    words = {*_plain({name: host.get(name) for name in (VALUES | LISTS).values()}), *_mounts_of(found, engine)}
    words |= {f"devices: {one['PathOnHost']} {one['CgroupPermissions']}" for one in host.get("Devices") or ()}
    words |= {"privileged"} if host.get("Privileged") else set()
    words |= {"gpus"} if host.get("DeviceRequests") else set()
    return Rights(words=frozenset(words), user=found["Config"].get("User") or "")


def beyond_production(asked: Asked, engine: DockerEngine, service: Service) -> str:
    """What it asks for beyond production's own container of the service; beyond an ordinary one where there is none.
    "": nothing, else a sentence that names it.
    """
    rights = asked.rights(engine.image_user(asked.image))
    made = [rights_of(engine.inspect(one.id), engine) for one in engine.containers(service)] or [ORDINARY]
    more = min((rights.beyond(one) for one in made), key=len)
    if not more:
        return ""
    return phrase(
        "{project}/{service} asks for {rights}, which production's own container of it does not have, so it was not "
        "started. Take that out of its compose file, or have production's container made from it first: "
        "docker compose up -d {service}",
        project=service.project,
        service=service.service,
        rights=listed(more),
    )


def is_root(user: str) -> bool:
    """Of "user:group"."""
    name = user.partition(":")[0]
    return name in ("", "root") or (name.isdecimal() and int(name) == 0)


def _plain(values: Mapping[str, Any]) -> Iterator[str]:
    """By the engine's names: of modes, and of lists. What only shuts in is no right."""
    for key, name in VALUES.items():
        value = str(values.get(name) or "")
        if value not in OWN_VALUES and not value.startswith("service:"):
            yield f"{key}: {value}"
    for key, name in LISTS.items():
        for one in map(str, values.get(name) or ()):
            if not one.startswith("no-new-privileges"):
                yield f"{key}: {_normal(key, one)}"


def _normal(key: str, value: str) -> str:
    """As either side may write it."""
    if key == "cap_add":
        return value.upper().removeprefix("CAP_")
    return value.replace(":", "=", 1) if key == "security_opt" else value


def _device(one: Any) -> tuple[str, str]:
    """Its path on the host, and what may be done with it; older Compose writes "/dev/a:/dev/b:rwm"."""
    if isinstance(one, str):
        source, _, inside = one.partition(":")
        return source, inside.partition(":")[2] or "rwm"
    return str(one["source"]), str(one.get("permissions") or "rwm")


def _mounts_of(found: Mapping[str, Any], engine: DockerEngine) -> Iterator[str]:
    for mount in found["Mounts"]:
        volume = engine.volume(mount["Name"]) if mount["Type"] == "volume" else None
        sources = _names_of(volume) if volume else [str(_real(mount["Source"]))] if mount["Type"] == "bind" else []
        for source in sources:
            yield from {_mounted(source, writable=writable) for writable in (False, bool(mount["RW"]))}


def _names_of(volume: VolumeIdentity) -> Iterable[str]:
    device = [str(_real(volume.options["device"]))] if _is_bind(volume.driver, volume.options) else []
    return (volume.name, _made_of(volume.name, volume.driver, volume.options), *device)


def _is_bind(driver: str, options: Mapping[str, Any]) -> bool:
    """Whether a volume is a folder of the host by another name."""
    return driver == "local" and "device" in options and bool(BINDS & set(str(options.get("o", "")).split(",")))


def _made_of(name: str, driver: str, options: Mapping[str, Any]) -> str:
    return f"{name} ({driver}: {','.join(f'{key}={value}' for key, value in sorted(options.items()))})"


def _mounted(source: str, *, writable: bool) -> str:
    return f"volumes: {source} (writable)" if writable else f"volumes: {source}"


def _real(path: str | Path) -> Path:
    """Where links lead to, or it would be what a link says tomorrow."""
    return Path(os.path.realpath(path))
