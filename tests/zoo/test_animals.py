"""Every animal holds real data; our own checksums see all of it, and stay the same when it is started anew."""

from collections.abc import Iterator

import pytest

from tests.zoo.animals import ALWAYS, ANIMALS
from tests.zoo.checksums import checksums, mounts
from tests.zoo.keeper import Kept
from tests.zoo.zoo import Zoo

pytestmark = [pytest.mark.docker]
CASES = [pytest.param(one, id=one.name, marks=() if one.name in ALWAYS else pytest.mark.long) for one in ANIMALS]


@pytest.fixture(params=CASES)
def kept(zoo: Zoo, request: pytest.FixtureRequest) -> Iterator[Kept]:
    with zoo.keeping(request.param) as living:
        yield living


def test_all_that_is_mounted_stays_the_same_when_it_is_started_anew(kept: Kept) -> None:
    with kept.quiet():
        before = checksums(kept)
        kept.renew()
        kept.wait_until_well()
        after = checksums(kept)

    assert before.lost(after) == []
    assert set(before.found) == {one.key for one in mounts(kept)}
    assert all(before.found.values())
