"""Has what PostgreSQL commits received for as long as a demo or a measurement takes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ruamel.yaml import YAML

from drbot.core.base.errors import DrbotError, UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.text.messages import phrase
from drbot.runners.backups.moments import continuous_of
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.continuous import Continuous
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never

BASE_WITHIN_SECONDS = 600


@contextmanager
def receiving(file: Path, home: Path) -> Iterator[Callable[[], None]]:
    """With `continuous` in this dr.yml; what is called waits for the worker's base backup. Afterwards nothing of it is
    left. `home`: of the worker.
    """
    yaml, before = YAML(), file.read_text()
    document = yaml.load(before)
    site = load_configuration(file).configuration.default_site
    document["sites"][site]["postgres"]["continuous"] = {}
    with file.open("w") as output:
        yaml.dump(document, output)
    configuration = load_configuration(file).configuration
    clients = clients_of(configuration.site(site), configuration, RunnerSettings.from_environment(home))
    continuous = continuous_of(clients, configuration.site(site), site, never)

    def wait() -> None:
        until = time.monotonic() + BASE_WITHIN_SECONDS
        while continuous.following() is None or not continuous.archive().bases:
            if time.monotonic() > until:
                raise UserError(phrase("Waited for a base backup."), phrase("There is none; see the worker's log."))
            threading.Event().wait(1)

    try:
        yield wait
    finally:
        file.write_text(before)
        with suppress(DrbotError):  # of a server that does not answer there is nothing to let go
            forget(continuous)
        clients.close()


def forget(continuous: Continuous) -> None:
    """Of a lab: nobody receives, and what was received goes. Raises TemporaryError while its server does not answer."""
    engine = continuous.engine
    for one in engine.helpers(continuous.labels):
        engine.remove_helper(one)
    for place in (continuous.wal, continuous.bases_place):
        if engine.volume(place) is not None:
            engine.client.api.remove_volume(place)
    continuous.stop()
