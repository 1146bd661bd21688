"""One place of the code made weaker, and the tests that should notice: a row of `python -m tests.mutations`."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Weakening:
    """One place and what it becomes; the tests of `make test` that should notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str


def weak(name: str, file: str, old: str, new: str, tests: str) -> Weakening:
    """A row of the table."""
    return Weakening(name=name, file=file, old=old, new=new, tests=tests)
