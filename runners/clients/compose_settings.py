"""The settings that services get from their compose files, as digests: what a service is started with can be compared
with what production ran with, and no password is written down.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from drbot.runners.clients.service_container import environment_of

ADDRESS = "${ADDRESS}"  # differs from site to site, and is drbot's to give


def settings_of(project: str, document: Mapping[str, Any], address: str | None) -> Iterator[tuple[str, str]]:
    """As the files say: "project/service/NAME" → digest."""
    for service, one in (document.get("services") or {}).items():
        for name, value in (one.get("environment") or {}).items():
            yield f"{project}/{service}/{name}", digest_of(value, address)


def running_settings(
    project: str, service: str, names: Mapping[str, Any], made_of: Mapping[str, Any], address: str | None
) -> Iterator[tuple[str, str]]:
    """As a container has them: of those that its compose file names."""
    there = environment_of(made_of["Config"].get("Env"))
    for name in names:
        yield f"{project}/{service}/{name}", digest_of(there.get(name), address)


def digest_of(value: object, address: str | None) -> str:
    """Of one value; None and "" are the same to a program."""
    said = "" if value is None else str(value)
    said = said.replace(address, ADDRESS) if address else said
    return hashlib.sha256(said.encode()).hexdigest()[:16]
