"""`town`: everything but Docker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.attacks.town import Town, town_in


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Bot and worker run; nobody declared anything yet."""
    with town_in(tmp_path) as made:
        yield made
