"""DATABASE_URL and REDIS_URL are typed by people: a wrong one is told, and no password with it."""

from collections.abc import Callable

import pytest

from drbot.core.base.errors import UserError
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of


@pytest.mark.parametrize(
    ("use", "variable", "url"),
    [
        (Database, "DATABASE_URL", "mysql://drbot:sesame@db/drbot"),
        (Database, "DATABASE_URL", "sesame"),
        (Database, "DATABASE_URL", "postgresql+sesame://db/drbot"),
        (doorbell_of, "REDIS_URL", "foo://:sesame@redis"),
        (doorbell_of, "REDIS_URL", "sesame"),
        (doorbell_of, "REDIS_URL", "redis://:sesame@redis:port/0"),
    ],
)
def test_an_address_that_is_none_of_ours_is_refused_without_its_password(
    use: Callable[[str], object], variable: str, url: str
) -> None:
    with pytest.raises(UserError) as refused:
        use(url)

    assert variable in refused.value.why
    assert "sesame" not in str(refused.value)
