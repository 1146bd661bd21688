"""`bench`: a worker on the real store with a harmless target."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.attacks.rows import with_second_factor
from tests.integration.runners.bench import Bench, bench_in


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty bench; at the end all its threads have ended."""
    made = bench_in(tmp_path)
    yield made
    made.ended()
    made.database.close()


@pytest.fixture
def guarded(bench: Bench) -> Bench:
    """Votes count with the worker's signature under a code alone."""
    return with_second_factor(bench)


@pytest.fixture
def bench_with(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """The same with other `approvals` in dr.yml."""
    made: list[Bench] = []

    def build(**approvals: Any) -> Bench:
        made.append(bench_in(tmp_path, **approvals))
        return made[-1]

    yield build
    for one in made:
        one.ended()
        one.database.close()
