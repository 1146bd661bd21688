"""What keeps EC2 and Route 53 away decides whether a step is tried again."""

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError, SSLError

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.runners.clients.cloud_errors import cloud_errors

URL = "https://ec2.example.com"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (EndpointConnectionError(endpoint_url=URL, error="refused"), TemporaryError),
        (ReadTimeoutError(endpoint_url=URL), TemporaryError),
        (SSLError(endpoint_url=URL, error=OSError("self-signed")), PermanentError),
        (NoCredentialsError(), PermanentError),
    ],
    ids=lambda given: type(given).__name__ if isinstance(given, Exception) else given.__name__,
)
def test_what_may_pass_is_tried_again_and_nothing_else(raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected), cloud_errors("ec2:DescribeInstances", "looking for our machine"):
        raise raised
