"""DATABASE_URL and REDIS_URL are typed by people: a wrong one is told, and no password with it."""

import pytest

from core.errors import UserError
from store.database import Database
from store.doorbell import doorbell_of


@pytest.mark.parametrize("url", ["mysql://drbot:sesame@db/drbot", "sesame", "postgresql+sesame://db/drbot"])
def test_a_database_that_is_none_of_ours_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UserError) as refused:
        Database(url)

    assert "DATABASE_URL" in refused.value.why
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("url", ["foo://:sesame@redis", "sesame", "redis://:sesame@redis:port/0"])
def test_a_doorbell_that_is_no_redis_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UserError) as refused:
        doorbell_of(url)

    assert "REDIS_URL" in refused.value.why
    assert "sesame" not in str(refused.value)
