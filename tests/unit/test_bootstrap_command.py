"""`drbot bootstrap`: a place that is none is a sentence."""

import pytest

from drbot.cli.bootstrap import store_at
from drbot.core.base.errors import UserError


@pytest.mark.parametrize(
    ("place", "endpoint", "why"),
    [
        ("https://shop/", None, "https://shop/ is not an S3 URL."),
        ("s3://shop/", "localhost:9000", "endpoint: this must begin with http:// or https://"),
    ],
)
def test_a_place_that_is_none_is_refused_in_words(place: str, endpoint: str | None, why: str) -> None:
    with pytest.raises(UserError) as refused:
        store_at(place, endpoint, "us-east-1")

    assert why in refused.value.why
