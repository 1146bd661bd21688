"""What others have on a host that the restored system needs for itself: ports, and names of containers. Compose would
only notice after this host was cleared.
"""

import errno
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from drbot.core.text.messages import clauses, phrase
from drbot.runners.clients import host_packages
from drbot.runners.contract.action import Finding, Registry, StepContext


def free(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe host.free: by what the backup tells of its compose files; what is put aside is in nobody's way."""
    backup = context.plan.backup
    if backup is None or host_packages.engine_is_missing(context.clients.docker.host):
        return Finding(passed=True, sentence=phrase("Nothing is known to be in the way"))
    names, ports = {*backup.holds.containers, *_by_rule(context)}, frozenset(backup.holds.ports)
    leaving = {one.identity for one in context.plan.occupants}
    running = context.clients.docker.listing()
    others = [one for one in running if one["Id"] not in leaving]
    taken = [*_names(others, names), *_ports(others, ports)]
    taken += _of_programs(context, ports - {port for one in running for port in _published(one)})
    sentence = clauses(taken) or phrase(
        "Ports that are free: {ports}; names of containers: {names}", ports=len(ports), names=len(names)
    )
    return Finding(passed=not taken, sentence=sentence)


def _by_rule(context: StepContext) -> Iterator[str]:
    """What Compose calls a container that no file names; of those that a file does name the backup tells no more."""
    for service in context.site.services.values():
        yield f"{service.project}-{service.service}-1"


def _names(others: Iterable[Mapping[str, Any]], wanted: Collection[str]) -> Iterator[str]:
    for one in others:
        name = one["Names"][0].lstrip("/")
        if name in wanted:
            yield phrase("the container name {name} is taken by somebody else's container", name=name)


def _ports(others: Iterable[Mapping[str, Any]], wanted: Collection[int]) -> Iterator[str]:
    for one in others:
        for port in sorted(_published(one) & set(wanted)):
            yield phrase("port {port} is taken by the container {name}", port=port, name=one["Names"][0].lstrip("/"))


def _published(one: Mapping[str, Any]) -> set[int]:
    return {port["PublicPort"] for port in one.get("Ports") or () if port.get("PublicPort")}


def _of_programs(context: StepContext, ports: Collection[int]) -> Iterator[str]:
    """An engine on another host is not looked into; that of a drill has ports of its own."""
    host = context.clients.docker.host
    if context.plan.mode == "drill" or (host is not None and not host.startswith("unix://")):
        return
    for port in sorted(ports):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is only closing is in nobody's way
            try:
                probe.bind(("0.0.0.0", port))  # noqa: S104 - as Docker would publish it; nothing listens
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    yield phrase("port {port} is taken by a program on this host", port=port)


IMPLEMENTED = Registry(
    probes={"host.free": free},
)
