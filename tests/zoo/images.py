"""Images of the zoo: the lab's, and a few made from them and from Debian packages.

As in drbot/lab/images.py a label with the hash of the inputs is the cache; all are named drbot-zoo/*.
"""

import hashlib
from contextlib import closing
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from drbot.lab.engine import connect, exclusive
from drbot.lab.images import BASE_IMAGE, POSTGRES_IMAGE, SERVICE_IMAGE, proxies
from drbot.lab.setup import lab_home

FOLDER = Path(__file__).parent / "images"
INPUTS_LABEL = "drbot.zoo.inputs"
APP_IMAGE = "drbot-zoo/app:1"
# image → folder of its Dockerfile, and the image that it is made from
RECIPES: dict[str, tuple[str, str]] = {
    APP_IMAGE: ("app", SERVICE_IMAGE),
    "drbot-zoo/postgres:15": ("postgres", POSTGRES_IMAGE),
    "drbot-zoo/mariadb:10": ("mariadb", BASE_IMAGE),
    "drbot-zoo/nats:2": ("nats", SERVICE_IMAGE),
    "drbot-zoo/memcached:1": ("memcached", BASE_IMAGE),
}


def ensure_zoo_images(host: str) -> None:
    """Have them all on the engine that has the lab's; at once when they are there."""
    with closing(connect(host, timeout_seconds=900)) as client, exclusive(lab_home() / "zoo-images.lock"):
        for image, (folder, made_from) in RECIPES.items():
            wanted = inputs_hash(client, FOLDER / folder, made_from)
            if label_of(client, image) != wanted:
                client.images.build(
                    path=str(FOLDER / folder), tag=image, labels={INPUTS_LABEL: wanted}, rm=True, network_mode="host",
                    buildargs=proxies(),
                )  # fmt: skip


def label_of(client: docker.DockerClient, image: str) -> str | None:
    try:
        return client.images.get(image).labels.get(INPUTS_LABEL)
    except ImageNotFound:
        return None


def inputs_hash(client: docker.DockerClient, folder: Path, made_from: str) -> str:
    digest = hashlib.sha256(str(client.images.get(made_from).id).encode())
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
