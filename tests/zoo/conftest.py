"""The zoo, for every test that looks at an animal."""

import pytest

from tests.zoo.zoo import Zoo, open_zoo


@pytest.fixture(scope="session")
def zoo(engine: str) -> Zoo:
    """On the engine of all tests."""
    return open_zoo(engine)
