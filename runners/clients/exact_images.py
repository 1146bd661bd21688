"""An image exactly as it ran: by the digest under which its registry has it, whatever its tag means by now."""

from collections.abc import Callable, Mapping
from typing import Any

from docker.errors import ImageNotFound
from docker.utils import parse_repository_tag

from drbot.core.base.errors import PermanentError
from drbot.core.site.inventory import KnownService
from drbot.core.text.messages import phrase
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.clients.process import Bounds, run_process
from drbot.runners.foundation.causes import cause_in


def digest_of(engine: DockerEngine, image: str, image_id: str) -> str:
    """Of this image, in the repository that it is named by: "postgres@sha256:…"; "" where no registry has it."""
    wanted = _repository(image)
    digests = (_image(engine, image_id).get("RepoDigests") or ()) if image_id else ()
    return next((one for one in digests if _repository(one) == wanted), "")


def says_how_it_ran(image: str, known: KnownService) -> bool:
    """Whether its digest is of this very image: where the file names another version or registry by now, it is not."""
    return "@sha256:" in known.digest and known.image == image and _repository(known.digest) == _repository(image)


def is_as_it_ran(engine: DockerEngine, image: str, known: KnownService) -> bool:
    """Whether the name means here what it meant there."""
    found = _image(engine, image)
    return found.get("Id") == known.image_id or known.digest in (found.get("RepoDigests") or ())


def fetch_exactly(
    engine: DockerEngine, digest: str, image: str, bounds: Bounds, on_line: Callable[[str], None]
) -> None:
    """Pull it, and have the name mean it. Raises PermanentError where its registry does not give it, CancelledError."""
    environment = {"DOCKER_HOST": engine.host} if engine.host else {}
    ended = run_process(["docker", "pull"], bounds, on_line, values=[digest], environment=environment)
    if ended.code:
        said = " ".join(ended.lines[-2:])
        raise PermanentError(phrase("{image}: {why}", image=digest, why=said), cause=cause_in(said))
    if "@" not in image:  # such a name means the same everywhere
        with docker_errors(phrase("Name the image {image}", image=image)):
            engine.client.api.tag(digest, _repository(image), parse_repository_tag(image)[1] or "latest")


def _image(engine: DockerEngine, image: str) -> Mapping[str, Any]:
    """As the engine describes it; {} where it has none: an image may be removed while its container runs on."""
    with docker_errors(phrase("Inspect the image {image}", image=image)):
        try:
            return dict(engine.client.images.get(image).attrs)
        except ImageNotFound:
            return {}


def _repository(image: str) -> str:
    name, _, _ = image.partition("@")
    return str(parse_repository_tag(name)[0])
