"""What a compose file asks for beyond a container that is there."""

from pathlib import Path
from typing import Any, cast

import pytest

from drbot.runners.clients.docker_engine import DockerEngine, VolumeIdentity
from drbot.runners.clients.rights import ORDINARY, Asked, Rights, rights_of


class Volumes:
    """An engine that has one volume, which is a folder of the host, and a share."""

    def volume(self, name: str) -> VolumeIdentity | None:
        """As the engine says."""
        options = {
            "host": {"type": "none", "o": "bind", "device": "/srv/data"},
            "share": {"type": "nfs", "o": "addr=a"},
        }
        return VolumeIdentity(
            name=name, created_at="", driver="local", mountpoint="", options=options.get(name, {}), labels={}
        )


ENGINE = cast("DockerEngine", Volumes())
OPTIONS = {"host": {"type": "none", "o": "bind", "device": "/etc"}, "share": {"type": "nfs", "o": "addr=b"}}


def asks(own: Path | None = None, top: Any = None, **service: Any) -> Rights:
    """A service of such a compose file."""
    document = {"name": "shop", "services": {"app": service}} | (top or {})
    return Asked(document=document, service="app", own=own).rights("")


def has(*mounts: dict[str, Any], user: str = "", **host: Any) -> Rights:
    """A container that was made so."""
    return rights_of({"HostConfig": host, "Mounts": list(mounts), "Config": {"User": user}}, ENGINE)


def volume(key: str) -> dict[str, Any]:
    """A service's mount of a volume."""
    return {"type": "volume", "source": key, "target": "/there"}


@pytest.mark.parametrize(
    ("service", "word"),
    [
        ({"privileged": True}, "privileged"),
        ({"cap_add": ["sys_admin"]}, "cap_add: SYS_ADMIN"),
        ({"security_opt": ["seccomp:unconfined"]}, "security_opt: seccomp=unconfined"),
        ({"devices": [{"source": "/dev/sda", "target": "/dev/x"}]}, "devices: /dev/sda rwm"),
        ({"devices": ["/dev/sda:/dev/x:r"]}, "devices: /dev/sda r"),
        ({"device_cgroup_rules": ["b 8:* rmw"]}, "device_cgroup_rules: b 8:* rmw"),
        ({"network_mode": "host"}, "network_mode: host"),
        ({"pid": "host"}, "pid: host"),
        ({"ipc": "host"}, "ipc: host"),
        ({"uts": "host"}, "uts: host"),
        ({"cgroup": "host"}, "cgroup: host"),
        ({"userns_mode": "host"}, "userns_mode: host"),
        ({"runtime": "odd"}, "runtime: odd"),
        ({"gpus": [{"count": -1}]}, "gpus"),
        ({"deploy": {"resources": {"reservations": {"devices": [{"count": 1}]}}}}, "gpus"),
        ({"post_start": [{"command": ["a"], "privileged": True}]}, "post_start: privileged"),
        ({"build": {"context": ".", "privileged": True}}, "build: privileged"),
        ({"volumes": [{"type": "bind", "source": "/etc", "target": "/a"}]}, "volumes: /etc (writable)"),
        ({"volumes": [{"type": "bind", "source": "/etc", "target": "/a", "read_only": True}]}, "volumes: /etc"),
        ({"volumes": [volume("host")]}, "volumes: /etc (writable)"),
        ({"volumes": [volume("share")]}, "volumes: share (local: o=addr=b,type=nfs) (writable)"),
        ({"secrets": [{"source": "mine"}]}, "volumes: /etc/shadow"),
        ({"volumes_from": ["container:other"]}, "volumes_from: container:other"),
        ({"networks": {"outside": None}}, "network_mode: host"),
        ({"provider": {"type": "sh"}}, "provider"),
        ({"use_api_socket": True}, "use_api_socket"),
        ({"what_compose_invents_next": True}, "what_compose_invents_next"),
    ],
)
def test_each_right_is_named(service: dict[str, Any], word: str) -> None:
    top = {
        "volumes": {key: {"name": key, "driver_opts": options} for key, options in OPTIONS.items()},
        "secrets": {"mine": {"file": "/etc/shadow"}},
        "networks": {"outside": {"name": "host", "external": True}},
    }

    asked = asks(Path("/srv/drill"), top, **service)

    assert asked.beyond(ORDINARY) == (word,)
    assert asked.beyond(
        has({"Type": "volume", "Name": "share", "RW": True}, {"Type": "volume", "Name": "host", "RW": True})
    ) == (word,)


@pytest.mark.parametrize(
    ("service", "host"),
    [
        ({"privileged": True}, {"Privileged": True}),
        ({"cap_add": ["SYS_ADMIN"]}, {"CapAdd": ["CAP_SYS_ADMIN"]}),
        ({"security_opt": ["apparmor:unconfined"]}, {"SecurityOpt": ["apparmor=unconfined"]}),
        ({"devices": ["/dev/sda"]}, {"Devices": [{"PathOnHost": "/dev/sda", "CgroupPermissions": "rwm"}]}),
        ({"network_mode": "host"}, {"NetworkMode": "host"}),
        ({"pid": "host"}, {"PidMode": "host"}),
        ({"gpus": [{"count": -1}]}, {"DeviceRequests": [{"Count": -1}]}),
    ],
)
def test_what_production_has_is_nothing_more(service: dict[str, Any], host: dict[str, Any]) -> None:
    assert asks(**service).beyond(has(**host)) == ()


def test_a_folder_that_production_only_reads_is_not_written() -> None:
    mount = {"type": "bind", "source": "/etc", "target": "/a"}
    reads = has({"Type": "bind", "Source": "/etc", "RW": False})

    assert asks(volumes=[mount]).beyond(reads) == ("volumes: /etc (writable)",)
    assert asks(volumes=[mount | {"read_only": True}]).beyond(reads) == ()


def test_another_services_mounts_come_with_it() -> None:
    mount = {"type": "bind", "source": "/etc", "target": "/a"}
    document = {"services": {"app": {"volumes_from": ["other:ro"]}, "other": {"volumes": [mount]}}}

    assert Asked(document=document, service="app").rights("").beyond(ORDINARY) == ("volumes: /etc (writable)",)


@pytest.mark.parametrize(("asked", "more"), [("", ("user: root",)), ("00:7", ("user: root",)), ("999", ())])
def test_nobody_becomes_root_who_is_not(asked: str, more: tuple[str, ...]) -> None:
    assert asks(user=asked).beyond(has(user="postgres")) == more
    assert asks(user=asked).beyond(has()) == ()


def test_an_ordinary_container_asks_for_nothing(tmp_path: Path) -> None:
    """In a drill, whose files and volumes are its own: but a link that leads out of its folder is not followed."""
    (tmp_path / "out").symlink_to("/etc")
    top = {"volumes": {"own": {"name": "own"}, "theirs": {"name": "theirs", "external": True}}}
    inside, out = ({"type": "bind", "source": str(tmp_path / name), "target": "/a"} for name in ("in", "out"))
    plain = {"ports": [{"target": 80}], "pid": "service:db", "security_opt": ["no-new-privileges:true"], "user": "0"}
    mounts = [inside, volume("own"), volume("theirs"), {"type": "volume", "target": "/unnamed"}, {"type": "tmpfs"}]

    assert asks(tmp_path, top, volumes=mounts, **plain).beyond(ORDINARY) == ()
    assert asks(tmp_path, top, volumes=[out]).beyond(ORDINARY) == ("volumes: /etc (writable)",)


def test_on_productions_engine_a_volume_is_somebodys() -> None:
    top = {"volumes": {"data": {"name": "shop_data", "external": True}}}

    asked = asks(None, top, volumes=[volume("data")])

    assert asked.beyond(ORDINARY) == ("volumes: shop_data (writable)",)
    assert asked.beyond(has({"Type": "volume", "Name": "shop_data", "RW": True})) == ()
