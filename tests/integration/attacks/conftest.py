"""`incident_app`: everything but Docker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.attacks.incident_app import IncidentApp, incident_app_in


@pytest.fixture
def incident_app(tmp_path: Path) -> Iterator[IncidentApp]:
    """Bot and worker run; nobody declared anything yet."""
    with incident_app_in(tmp_path) as made:
        yield made
