"""A store is tried as its compose file says, but it reaches nobody and may write nothing but its data."""

from typing import Any

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import Service
from drbot.runners.clients.own_definition import OwnDefinition, definition_of

SERVICE = Service(project="shop", service="redis", role="cache")
DOCUMENT: dict[str, Any] = {
    "services": {
        "redis": {
            "image": "redis:7", "command": ["redis-server", "--requirepass", "pa$$word"], "user": "999:999",
            "ports": [{"target": 6379, "published": "6379"}], "networks": {"default": None}, "restart": "always",
            "depends_on": {"other": {}}, "deploy": {"replicas": 3}, "container_name": "shop-redis", "pid": "host",
            "devices": ["/dev/sda"], "volumes_from": ["other"], "post_start": [{"command": "reboot"}],
            "secrets": [{"source": "pw", "target": "/run/secrets/pw"}],
            "volumes": [
                {"type": "volume", "source": "data", "target": "/data"},
                {"type": "volume", "source": "certificates", "target": "/tls"},
                {"type": "bind", "source": "/srv/redis.conf", "target": "/etc/redis.conf"},
                {"type": "bind", "source": "/srv/users.acl", "target": "/data/users.acl"},
                {"type": "bind", "source": "/etc", "target": "/data/../host-etc"},
            ],
        },
        "other": {"image": "other"},
    },
    "volumes": {"data": {"name": "shop_data"}, "certificates": {"name": "shop_certificates"}},
    "secrets": {"pw": {"file": "/srv/pw"}},
}  # fmt: skip


def definition() -> OwnDefinition:
    return definition_of(DOCUMENT, SERVICE, "shop_data")


def test_what_it_runs_is_its_own_and_what_it_could_reach_is_left_out() -> None:
    alone = definition().alone("drbot-restore-x", "x", {"drbot.run": "r1"})
    service = alone["services"]["redis"]

    assert list(alone["services"]) == ["redis"]
    assert service["command"] == ["redis-server", "--requirepass", "pa$$word"]
    assert (service["user"], service["secrets"]) == ("999:999", DOCUMENT["services"]["redis"]["secrets"])
    assert service["network_mode"] == "none"
    assert service["container_name"] == "drbot-restore-x"
    assert service.keys().isdisjoint(
        {"ports", "networks", "depends_on", "deploy", "devices", "pid", "volumes_from", "post_start"}
    )


def test_it_writes_into_the_new_volume_and_nothing_of_productions() -> None:
    """Two servers that write one append-only file lose it."""
    alone = definition().alone("drbot-restore-x", "x", {})

    mounts = {one["target"]: one for one in alone["services"]["redis"]["volumes"]}
    assert {path for path, mount in mounts.items() if not mount.get("read_only")} == {"/data"}
    assert alone["volumes"][mounts["/data"]["source"]] == {"name": "x", "external": True}
    assert "shop_data" not in str(alone)


def test_a_service_that_does_not_mount_its_data_is_told() -> None:
    with pytest.raises(PermanentError, match="does not mount the volume elsewhere"):
        _ = definition_of(DOCUMENT, SERVICE, "elsewhere").mounted_at
    with pytest.raises(PermanentError, match="in a volume without a name"):
        _ = definition_of(DOCUMENT, SERVICE, 64 * "f").mounted_at
    with pytest.raises(PermanentError, match="describes no service gone"):
        definition_of(DOCUMENT, Service(project="shop", service="gone", role="cache"), "shop_data")
