"""The lock of a target, kept by the target's own engine, so that two drbots that know nothing of each other keep apart.

It is a container of a fixed name that is created and never started: the engine gives a name once. Its labels say who
holds it. Which volume or project it is named for stands in dr.yml, so the name does not depend on drbot's own state.
"""

import io
import tarfile
import time
from datetime import datetime

from docker.errors import APIError, ImageNotFound, NotFound

from drbot.core.base.errors import TemporaryError
from drbot.core.site.site import Site
from drbot.core.text.messages import phrase
from drbot.runners.clients.container_labels import helper_name
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.docker_errors import docker_errors
from drbot.runners.foundation.lock import Claim, Holder

IMAGE, TAG = "drbot-lock", "1"
LABEL = "drbot.lock."
PATIENCE_SECONDS, PAUSE_SECONDS = 20.0, 0.02
CONFLICT = 409


class EngineLock:
    """The lock of one site. Every method raises TemporaryError while the engine does not answer."""

    def __init__(self, engine: DockerEngine, site: Site, name: str) -> None:
        self._engine = engine
        projects = sorted(service.project for service in site.services.values())
        thing = site.postgres.volume if site.postgres else (projects or [name])[0]
        self.name = helper_name("lock", thing)

    def take(self, claim: Claim) -> Holder | None:
        """None: it is held by this claim now. Else who holds it. What the same drbot held for another run is taken
        over: its own database says which of its runs has the site.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            holder = self.holder()
            if holder is None:
                self._create(claim)
                time.sleep(PAUSE_SECONDS)  # of another one that is just being created only the name is known
            elif holder.claim.instance != claim.instance:
                return holder
            elif holder.claim.run == claim.run:
                return None
            else:
                self._remove(holder)
        raise TemporaryError(phrase("The lock {name} changes hands all the time", name=self.name))

    def take_over(self, claim: Claim, gone: str) -> Holder | None:
        """The same after the commander said that exactly this holder is gone for good."""
        holder = self.holder()
        if holder is not None and holder.id == gone:
            self._remove(holder)
        return self.take(claim)

    def give_back(self, instance: str, run: str) -> None:
        """Nothing happens unless this run of this drbot holds it."""
        holder = self.holder()
        if holder is not None and (holder.claim.instance, holder.claim.run) == (instance, run):
            self._remove(holder)

    def holder(self) -> Holder | None:
        with docker_errors(phrase("Look at the lock of the target")):
            try:
                found = self._engine.client.api.inspect_container(self.name)
            except NotFound:
                return None
        return _holder_of(str(found["Id"]), found["Config"]["Labels"] or {}, str(found["Created"]))

    def _create(self, claim: Claim) -> None:
        """Somebody else may be faster; the next look shows who."""
        self._ensure_image()
        with docker_errors(phrase("Lock the target")):
            try:
                self._engine.client.api.create_container(
                    f"{IMAGE}:{TAG}", ["never-started"], name=self.name, labels=_labels_of(claim)
                )
            except APIError as error:
                if error.status_code != CONFLICT:
                    raise

    def _ensure_image(self) -> None:
        """Of nothing: no registry is needed."""
        client = self._engine.client
        with docker_errors(phrase("Make the image of the lock")):
            try:
                client.images.get(f"{IMAGE}:{TAG}")
            except ImageNotFound:
                archive = io.BytesIO()
                tarfile.open(fileobj=archive, mode="w").close()
                client.api.import_image_from_data(archive.getvalue(), repository=IMAGE, tag=TAG)

    def _remove(self, holder: Holder) -> None:
        """By its id: one that was made meanwhile stays."""
        with docker_errors(phrase("Unlock the target")):
            try:
                self._engine.client.api.remove_container(holder.id)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != CONFLICT:  # somebody else removes it already
                    raise


def _labels_of(claim: Claim) -> dict[str, str]:
    values = {
        "instance": claim.instance, "owner": claim.owner, "incident": claim.incident, "run": claim.run,
        "since": claim.since.isoformat(),
    }  # fmt: skip
    return {LABEL + name: value for name, value in values.items()}


def _holder_of(identity: str, labels: dict[str, str], created: str) -> Holder:
    said = {name: labels.get(LABEL + name, "") for name in ("instance", "owner", "incident", "run")}
    since = datetime.fromisoformat(labels.get(LABEL + "since") or created[:19] + "+00:00")
    return Holder(id=identity, claim=Claim(**said, since=since))
