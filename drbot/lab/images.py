"""The lab's images: official ones where a registry answers, else built from Debian packages.

All are named drbot-lab/*, so nobody's postgres:15 is replaced; a label with the hash of their inputs is the cache.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import requests
from docker.errors import APIError, BuildError, DockerException, ImageNotFound

from drbot.core.base.errors import UserError
from drbot.core.text.messages import filled, listed, phrase
from drbot.lab import packages

Say = Callable[[str], None]

POSTGRES_IMAGE = "drbot-lab/postgres:15"
REDIS_IMAGE = "drbot-lab/redis:7"
SERVICE_IMAGE = "drbot-lab/service:1"
PROMETHEUS_IMAGE = "drbot-lab/prometheus:2"
ALERTMANAGER_IMAGE = "drbot-lab/alertmanager:0"
SYSTEM_IMAGES = (POSTGRES_IMAGE, REDIS_IMAGE, SERVICE_IMAGE)
MONITORING_IMAGES = (PROMETHEUS_IMAGE, ALERTMANAGER_IMAGE)  # levels 3 and 4 only
BASE_IMAGE = "drbot-lab/base:latest"
DEBIAN = "debian:bookworm-slim"
INPUTS_LABEL = "drbot.lab.inputs"
DOCKERFILES = Path(__file__).parent / "ai-micro-service" / "images"
# image → folder of its Dockerfile, and the official image that is as good
RECIPES: dict[str, tuple[str, str | None]] = {
    POSTGRES_IMAGE: ("postgres", "postgres:15"),
    REDIS_IMAGE: ("redis", "redis:7"),
    SERVICE_IMAGE: ("service", None),
    PROMETHEUS_IMAGE: ("prometheus", "prom/prometheus:v2.53.5"),
    ALERTMANAGER_IMAGE: ("alertmanager", "prom/alertmanager:v0.28.1"),
}
TRIED: str = phrase("Tried to build the lab's images.")


def ensure_images(client: docker.DockerClient, say: Say, images: tuple[str, ...] = SYSTEM_IMAGES) -> None:
    """Have these images; at once when they are there. Raises UserError with the end of the build's output."""
    missing = [image for image in images if not is_current(client, image)]
    if not missing:
        return
    if registry_answers(client):
        try:
            make_all(client, missing, say, registry=True)
            return
        except UserError as error:
            say(phrase("Pulling failed: {why}", why=error.why))
    make_all(client, missing, say, registry=False)


def make_all(client: docker.DockerClient, missing: list[str], say: Say, *, registry: bool) -> None:
    """Make these images at the same time."""
    pulling, building = phrase("Pulling: {images}"), phrase("No registry answers, so building: {images}")
    say(filled(pulling if registry else building, images=listed(missing)))
    if not registry or SERVICE_IMAGE in missing:
        ensure_base(client, say, registry=registry)
    with ThreadPoolExecutor(len(missing)) as pool:
        for image in pool.map(lambda image: make(client, image, registry=registry), missing):
            say(phrase("Image {image} is ready", image=image))


def is_current(client: docker.DockerClient, image: str) -> bool:
    """Whether the image is there and was made from what is in this folder now."""
    try:
        return bool(client.images.get(image).labels.get(INPUTS_LABEL) == inputs_hash(image))
    except ImageNotFound:
        return False


def inputs_hash(image: str) -> str:
    """Hash of everything that goes into an image."""
    folder, official = RECIPES[image]
    digest = hashlib.sha256(f"{image} {official} {DEBIAN}".encode())
    for path in sorted((DOCKERFILES / folder).iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def registry_answers(client: docker.DockerClient) -> bool:
    """Ask through the engine, which has its own proxies and mirrors; without a registry nobody must wait long."""
    patient = client.api.timeout
    client.api.timeout = 6
    try:
        client.images.get_registry_data(DEBIAN)
        return True
    except (DockerException, requests.RequestException):
        return False
    finally:
        client.api.timeout = patient


def ensure_base(client: docker.DockerClient, say: Say, *, registry: bool) -> None:
    """A small Debian 12, which has PostgreSQL 15 and Redis 7."""
    if client.images.list(name=BASE_IMAGE):
        return
    if registry:
        try:
            client.images.pull(DEBIAN).tag(*BASE_IMAGE.split(":"))
        except APIError as error:
            raise UserError(TRIED, f"{DEBIAN}: {error}") from error
        return
    if not packages.have("mmdebstrap", say, "debian-archive-keyring"):
        raise UserError(
            TRIED,
            phrase("No registry answers, and the base image can only be made as root on Debian or Ubuntu."),
            phrase("Give Docker access to a registry, or install mmdebstrap and run this as root."),
        )
    say(phrase("Making a small Debian 12 as the base image (about 20 s)"))
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "base.tar"
        # A mirror or a clock that is behind must not keep the lab from being built.
        option = 'Acquire::Check-Valid-Until "false"'
        command = ["mmdebstrap", "--variant=minbase", f"--aptopt={option}", "bookworm", str(archive)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise UserError(TRIED, " ".join(done.stderr.splitlines()[-3:]), phrase("Is a Debian mirror reachable?"))
        repository, _, tag = BASE_IMAGE.partition(":")
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag)


def make(client: docker.DockerClient, image: str, *, registry: bool) -> str:
    """Build one image; an official one only gets our label."""
    folder, official = RECIPES[image]
    try:
        if registry and official:
            with tempfile.TemporaryDirectory() as context:
                (Path(context) / "Dockerfile").write_text(f"FROM {official}\n")
                build(client, image, Path(context))
        else:
            build(client, image, DOCKERFILES / folder)
    except BuildError as error:
        lines = [str(line.get("stream", "")).strip() for line in error.build_log if isinstance(line, dict)]
        raise UserError(TRIED, f"{image}: {error} {' '.join(lines[-4:])}") from error
    except APIError as error:
        raise UserError(TRIED, f"{image}: {error}") from error
    return image


def build(client: docker.DockerClient, image: str, context: Path) -> None:
    """One build, on the host's network: names and proxies then work as they do on the host."""
    labels = {INPUTS_LABEL: inputs_hash(image)}
    client.images.build(path=str(context), tag=image, labels=labels, rm=True, network_mode="host", buildargs=proxies())


def proxies() -> dict[str, str]:
    """Proxy settings of this process, for apt in the build."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    return {name: os.environ[name] for name in names if name in os.environ}
