"""What level 3 adds to the demo: a second site, a full backup kept elsewhere, and the proof on the new host."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.configuration import load_configuration
from core.errors import UserError
from core.full_manifest import FullManifest, digest_of_files
from core.site import Configuration
from core.words import ending
from lab.extras import JOBS, Extras
from lab.images import SERVICE_IMAGE
from lab.layout import part
from lab.sites import Sites
from runners.actions.equality import digest_of
from runners.clients.full_store import FullBackupStore
from runners.clients.monitoring import ALERT
from runners.clients.object_store import ObjectStoreClient
from runners.clients.scratch_redis import key_count

SUMS = "cd /files && find . -type f -exec sha256sum {} +"


def keys_of(sites: Sites) -> dict[str, str]:
    """What bot and worker need in their environment to reach the bucket."""
    return sites.bucket.keys()


def back_up_full(sites: Sites, configuration: Path) -> str:
    """`drbot backup full`, as cron would call it; the name of the backup. Raises UserError."""
    command = [sys.executable, "-m", "cli.main", "backup", "full", "--config", str(configuration)]
    done = subprocess.run(command, env={**os.environ, **keys_of(sites)}, capture_output=True, text=True)
    if done.returncode != 0:
        raise UserError("Tried to make a full backup.", ending((done.stdout + done.stderr).strip(), 600))
    return bucket_of(sites, load_configuration(configuration).configuration).newest_first()[0].name


def bucket_of(sites: Sites, configuration: Configuration) -> FullBackupStore:
    """The full backups off-site."""
    if configuration.object_store is None:
        raise UserError("Looked for the bucket with full backups.", "dr.yml names none.")
    return FullBackupStore(ObjectStoreClient(configuration.object_store, keys_of(sites)))


def differences(sites: Sites, configuration: Configuration, backup: str) -> Iterator[str]:
    """What is not as the manifest says, looked at on the new host itself; rows are compared by the caller."""
    manifest = bucket_of(sites, configuration).get(backup).manifest
    if manifest is None:
        yield f"{backup} has no manifest."
        return
    yield from _of_redis(sites, manifest)
    yield from _of_files(sites, manifest)
    yield from _of_configuration(sites, manifest)
    yield from _of_services(sites)
    yield from _of_monitoring(sites)


def _of_redis(sites: Sites, manifest: FullManifest) -> Iterator[str]:
    said = sites.recovered.compose(part("redis"), "exec", "-T", "redis", "redis-cli", "info", "keyspace")
    wanted = manifest.redis.keys - manifest.redis.expires if manifest.redis else 0
    found = key_count(said).lasting
    if found != wanted or not wanted:
        yield f"Redis has {found:,} lasting keys, the manifest says {wanted:,}."


def _of_files(sites: Sites, manifest: FullManifest) -> Iterator[str]:
    if not manifest.files:
        yield "The manifest names no files."
    for volume, expected in manifest.files.items():
        with sites.recovered.client() as client:
            output = client.containers.run(
                SERVICE_IMAGE, ["-ec", SUMS], entrypoint="bash", volumes={volume: {"bind": "/files", "mode": "ro"}},
                network_mode="none", remove=True,
            )  # fmt: skip
        if digest_of_files(sums_in(output.decode())) != expected.digest:
            yield f"The files of {volume} are not those of the manifest."


def sums_in(output: str) -> Mapping[str, str]:
    """Path → digest of sha256sum's lines."""
    pairs = (line.split("  ", 1) for line in output.splitlines() if "  " in line)
    return {path: digest for digest, path in pairs}


def _of_configuration(sites: Sites, manifest: FullManifest) -> Iterator[str]:
    for path, digest in manifest.configuration.items():
        if path != "dr.yml" and digest_of(sites.recovered.projects / path) != digest:
            yield f"{path} is not as in the manifest."


def _of_services(sites: Sites) -> Iterator[str]:
    for service in sites.recovered.status():
        if not service.healthy:
            yield f"{service.title} does not work at the new address."


def _of_monitoring(sites: Sites) -> Iterator[str]:
    extras = Extras(lab=sites.recovered)
    if extras.jobs_up() != set(JOBS):
        yield f"Prometheus scrapes {', '.join(extras.jobs_up()) or 'nothing'}."
    arrived = [alert for alert in extras.arrived() if alert["labels"]["alertname"] == ALERT]
    if len(arrived) != 1:
        yield f"{len(arrived)} test alerts have arrived."
