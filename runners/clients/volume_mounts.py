"""Whether a container holds a volume: by its name, or by its folder on the host, which is the same data."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any


def holds(container: Mapping[str, Any], volume: str, folder: str) -> bool:
    """`container`: as the engine lists it. A folder above it, as monitors mount the whole disk, is no use of it."""
    return any(_is_of(mount, volume, folder) for mount in container.get("Mounts", ()))


def _is_of(mount: Mapping[str, Any], volume: str, folder: str) -> bool:
    if mount.get("Type") == "volume":
        return mount.get("Name") == volume
    return bool(folder) and PurePosixPath(mount.get("Source", "")).is_relative_to(PurePosixPath(folder))
