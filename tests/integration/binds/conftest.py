"""One site for all tests of a file: its PostgreSQL is started once."""

from collections.abc import Iterator

import pytest

from tests.integration.binds.bound_site import BoundSite, bound_site


@pytest.fixture(scope="module")
def site(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoundSite]:
    found = bound_site(engine, tmp_path_factory.mktemp("binds"))
    yield found
    found.clear()
