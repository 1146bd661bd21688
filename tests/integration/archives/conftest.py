"""Real restic, whose keys are cheap to try."""

from collections.abc import Iterator

import pytest

from tests.cheap_key import cheap_keys


@pytest.fixture(scope="package", autouse=True)
def quick_restic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with cheap_keys(tmp_path_factory.mktemp("restic")):
        yield
