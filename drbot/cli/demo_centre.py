"""What level 4 adds to the demo: a machine that is rented plays its user data, and the proof from outside."""

import threading
from collections.abc import Iterator

from drbot.cli.demo_stack import DemoStack
from drbot.core.base.errors import DrbotError
from drbot.core.site.site import Configuration
from drbot.core.text.messages import phrase
from drbot.lab.sites import Sites
from drbot.runners.clients.name_service import NameService
from drbot.runners.clients.outside import fetch

CONTROL, JOINED = "drbot-control", "drbot-recovery"  # names of processes


class UserData:
    """Stands in for what moto leaves out: once the rented machine runs, its user data is run, as itself says."""

    def __init__(self, sites: Sites, stack: DemoStack) -> None:
        self._sites = sites
        self._stack = stack
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="user-data", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            machines = self._sites.cloud.machines()
            if machines and self._sites.machine_room.is_done():
                self._stack.run(JOINED, ["sh", "-c", self._sites.cloud.user_data(machines[0])])
                return


def start(stack: DemoStack) -> None:
    """The bot and the control worker: what stands outside of every site and survives its loss."""
    stack.start("drbot", "bot")
    stack.start(CONTROL, "worker", "--site", "control")


def differences(sites: Sites, configuration: Configuration) -> Iterator[str]:
    """What a user would find wrong: where the name leads, what answers there, and its certificate."""
    dns, certificate = configuration.dns, configuration.certificate
    address = configuration.sites["recovery"].address
    if dns is None or dns.url is None or certificate is None:
        yield phrase("dr.yml has no `dns`, no `url` in it, or no `certificate`.")
        return
    try:
        answer = fetch(dns.url, NameService(dns).ask, certificate.roots)
    except DrbotError as error:
        yield str(error)
        return
    if answer.address != address:
        led = answer.address
        yield phrase("{name} points to {led} instead of {address}.", name=dns.names[0], led=led, address=address)
    if answer.status != 200:
        yield phrase("{url} answers {status}.", url=dns.url, status=answer.status)
    if answer.certificate_until is None:
        yield phrase("{url} has no certificate.", url=dns.url)
