"""What level 3 adds to the demo: a second site, a full backup kept elsewhere, and the proof on the new host."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.site.full_manifest import FullManifest
from drbot.core.site.site import Configuration
from drbot.core.text.messages import listed, phrase
from drbot.core.text.words import ending
from drbot.lab.extras import JOBS, Extras
from drbot.lab.images import SERVICE_IMAGE
from drbot.lab.layout import part
from drbot.lab.sites import Sites
from drbot.lab.system import Lab
from drbot.runners.clients.full_store import FullBackupStore
from drbot.runners.clients.monitoring import ALERT
from drbot.runners.clients.object_store import ObjectStoreClient
from drbot.runners.clients.plain_files import digest_file
from drbot.runners.clients.redis_server import key_count

SUMS = "cd /files && find . -type f -exec sha256sum {} + | sort"


def keys_of(sites: Sites) -> dict[str, str]:
    """What bot and worker need in their environment to reach the bucket."""
    return sites.bucket.keys()


def back_up_full(sites: Sites, configuration: Path) -> str:
    """`drbot backup full`, as cron would call it; the name of the backup. Raises UserError."""
    command = [sys.executable, "-P", "-m", "drbot.cli.main", "backup", "full", "--config", str(configuration)]
    done = subprocess.run(command, env={**os.environ, **keys_of(sites)}, capture_output=True, text=True)
    if done.returncode != 0:
        raise UserError(phrase("Tried to make a full backup."), ending((done.stdout + done.stderr).strip(), 600))
    seen = digests_of(sites.lab, load_configuration(configuration).configuration.site().files)
    witness_of(sites).write_text(json.dumps(seen))
    return bucket_of(sites, load_configuration(configuration).configuration).newest_first()[0].name


def bucket_of(sites: Sites, configuration: Configuration) -> FullBackupStore:
    if configuration.object_store is None:
        raise UserError(phrase("Looked for the bucket with full backups."), phrase("dr.yml names none."))
    return FullBackupStore(ObjectStoreClient(configuration.object_store, keys_of(sites)))


def differences(sites: Sites, configuration: Configuration, backup: str, *, alert: bool = True) -> Iterator[str]:
    """Where the new host is not as the lost one was seen to be; the caller compares rows. `alert`: so is the test
    alert, which whoever receives it keeps in memory.
    """
    store = bucket_of(sites, configuration)
    manifest = store.manifest(store.get(backup))
    if manifest is None:
        yield phrase("{backup} has no manifest.", backup=backup)
        return
    yield from _of_redis(sites, manifest)
    yield from _of_files(sites, manifest)
    yield from _of_services(sites)
    yield from _of_monitoring(sites)
    if alert:
        yield from _of_alert(sites)


def _of_redis(sites: Sites, manifest: FullManifest) -> Iterator[str]:
    said = sites.recovered.compose(part("redis"), "exec", "-T", "redis", "redis-cli", "info", "keyspace")
    wanted = manifest.redis.keys - manifest.redis.expires if manifest.redis else 0
    found = key_count(said).lasting
    if found != wanted or not wanted:
        yield phrase(
            "Redis has {found} keys without expiry, the manifest says {wanted}.",
            found=found,
            wanted=wanted,
        )


def _of_files(sites: Sites, manifest: FullManifest) -> Iterator[str]:
    seen, found = json.loads(witness_of(sites).read_text()), digests_of(sites.recovered, manifest.files)
    if not manifest.files or not manifest.projects or len(seen) < len(manifest.files) + len(manifest.projects):
        yield phrase("Too few files were seen on the lost host to compare with.")
    for name, digest in seen.items():
        if found.get(name) != digest:
            yield phrase("{name} is not as on the lost host.", name=name)


def witness_of(sites: Sites) -> Path:
    """What was seen of the host before it was lost: nothing of drbot's looked."""
    return sites.folder / "seen-before.json"


def digests_of(lab: Lab, volumes: Sequence[str]) -> dict[str, str]:
    """Of each of these volumes, and of each file of the projects."""
    found = {volume: sums_in(lab, volume) for volume in volumes}
    for path in sorted(lab.projects.rglob("*")):
        inside = path.relative_to(lab.projects)
        if path.is_file() and ".git" not in inside.parts:
            found[str(inside)] = digest_file(path)
    return found


def sums_in(lab: Lab, volume: str) -> str:
    """sha256sum's lines of every file in a volume."""
    with lab.client() as client:
        output: bytes = client.containers.run(
            SERVICE_IMAGE, ["-ec", SUMS], entrypoint="bash", volumes={volume: {"bind": "/files", "mode": "ro"}},
            network_mode="none", remove=True,
        )  # fmt: skip
    return output.decode()


def _of_services(sites: Sites) -> Iterator[str]:
    for service in sites.recovered.status():
        if not service.healthy:
            yield phrase("{service} does not work at the new address.", service=service.title)


def _of_monitoring(sites: Sites) -> Iterator[str]:
    extras = Extras(lab=sites.recovered)
    if extras.jobs_up() != set(JOBS):
        yield phrase("Prometheus scrapes {jobs}.", jobs=listed(extras.jobs_up()) or phrase("nothing"))


def _of_alert(sites: Sites) -> Iterator[str]:
    extras = Extras(lab=sites.recovered)
    arrived = [alert for alert in extras.arrived() if alert["labels"]["alertname"] == ALERT]
    if len(arrived) != 1:
        yield phrase("{count} test alerts have arrived.", count=len(arrived))
