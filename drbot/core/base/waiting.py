"""What waits for what: steps of a runbook for those before them, services for those that they need."""

from collections.abc import Collection, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter


def circle_in(waits: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Names of which each waits for the next, and the last for the first, which is the first here; () = there is an
    order.
    """
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        circle = error.args[1][:0:-1]  # graphlib says it the other way round, with the first once more
        begin = circle.index(min(circle, key=list(waits).index))
        return (*circle[begin:], *circle[:begin])
    return ()


def waves(waits: Mapping[str, Collection[str]]) -> Iterator[tuple[str, ...]]:
    """All names in an order; those of one wave are independent. Raises CycleError."""
    sorter = TopologicalSorter(waits)
    sorter.prepare()
    while ready := sorter.get_ready():
        yield ready
        sorter.done(*ready)


def needed_by(names: Collection[str], waits: Mapping[str, Collection[str]]) -> frozenset[str]:
    """These and all that they wait for, directly or not."""
    found, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += waits.get(name, ())
    return frozenset(found)
