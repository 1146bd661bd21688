"""`bench`: a worker on the real store with a harmless target."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.runners.bench import Bench, bench_in


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty bench; at the end all its threads have ended."""
    made = bench_in(tmp_path)
    yield made
    made.ended()
    made.database.close()
