"""What makes this target this target; sealed with the plan and read again before anything is replaced."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from drbot.core.site.site import Configuration, Site
from drbot.runners.clients.clients import Clients
from drbot.runners.clients.docker_engine import MISSING
from drbot.runners.clients.host_packages import engine_is_missing
from drbot.runners.clients.volume_users import strangers_among
from drbot.runners.contract.strangers import STRANGERS
from drbot.runners.foundation.at_once import at_once

UNSEALED = {"version", "people", "approvals", "language", "channels", "cadence", "targets", "time_zone", "alerts"}
"""Sections of dr.yml that are the roster's (core/ledger/policy.py) or habits: all others say what is touched."""

BESIDE: Mapping[str, Any] = {
    "sites": {"__all__": {"provision": {"hourly"}}}, "backups": {"schedule"}, "drills": {"schedule"},
}  # fmt: skip
"""Prices, and when backups are made and drills begin: nothing of a recovery follows from them."""


def fingerprint(
    clients: Clients, site: Site, labels: Mapping[str, str], cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Engine, compose projects, volumes and the cluster's identifier; "missing" and "unreadable" are values."""
    if engine_is_missing(clients.docker.host):  # a bare new host: installing it is a step of the recovery
        return {"engine": MISSING, "volumes": dict.fromkeys(data_volumes(site), MISSING)}
    projects, volumes = sorted({service.project for service in site.services.values()}), data_volumes(site)
    looks: dict[str, Callable[[], Any]] = {
        "engine": clients.docker.id,
        "projects": lambda: {project: digest(clients, project) for project in projects},
        "volumes": lambda: {name: created_at(clients, name) for name in volumes},
        STRANGERS: lambda: {name: running_strangers(clients, site, name) for name in volumes},
    }
    if (store := site.postgres) is not None:
        looks["postgres"] = lambda: clients.postgres.identifier_of(store.volume, labels, cancelled)
    return dict(zip(looks, at_once(lambda look: look(), looks.values()), strict=True))


def settings_of(configuration: Configuration) -> dict[str, Any]:
    """What dr.yml says of what is touched and where users are led: edited after the seal, it is another plan."""
    document = configuration.model_dump(mode="json", exclude={**dict.fromkeys(UNSEALED, True), **BESIDE})
    # What an older drbot did not know counts as agreed to while it is empty: test_upgrade.py fails without it.
    if not configuration.proof.checks:
        del document["proof"]
    for site in document["sites"].values():
        _drop_empty(site, "not_needed")
        _drop_empty(site, "compose")
        _drop_empty(site, "variables")
        _drop_empty(site.get("postgres") or {}, "continuous")
        for service in site["services"].values():
            _drop_empty(service, "once")
            _drop_empty(service, "pause_for_backup")
    return {name: value for name, value in document.items() if value is not None}


def _drop_empty(part: dict[str, Any], name: str) -> None:
    if not part.get(name):
        part.pop(name, None)


def data_volumes(site: Site) -> tuple[str, ...]:
    """The real names of the volumes with data, as dr.yml names them."""
    return tuple(dict.fromkeys([*(store.volume for store in site.stores), *site.file_volumes]))


def running_strangers(clients: Clients, site: Site, volume: str) -> list[str]:
    """Names of the containers that use it now and that no step would stop."""
    found = strangers_among(clients.docker.made_with(volume), site.services.values())
    return [user.name for user in found if user.is_running]


def created_at(clients: Clients, volume: str) -> str:
    """When the volume was made: one made again under the same name is another."""
    found = clients.docker.volume(volume)
    return found.created_at if found else MISSING


def digest(clients: Clients, project: str) -> str:
    """SHA-256 over the project's compose files; the digest only, for they may hold passwords."""
    files = clients.compose.files(project)
    if not files:
        return MISSING
    whole = hashlib.sha256()
    for path in files:
        whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return whole.hexdigest()
