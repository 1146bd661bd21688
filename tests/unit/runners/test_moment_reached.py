"""What was committed after a moment is never in the data as it was then."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.base.errors import TemporaryError
from drbot.runners.backups.moments import require_not_later

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_what_was_received_between_two_replays_is_not_brought_back_with_a_moment_before_it() -> None:
    with pytest.raises(TemporaryError, match="Try it once more"):
        require_not_later(NINE + timedelta(microseconds=1), NINE)


@pytest.mark.parametrize(("last", "moment"), [(NINE, NINE), (None, NINE), (NINE, None)])
def test_what_was_committed_up_to_it_is(last: datetime | None, moment: datetime | None) -> None:
    require_not_later(last, moment)
