"""Which engine drbot talks to, and which it says no to, in words."""

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.docker_engine import DockerEngine


@pytest.mark.parametrize("given", ["ssh://engine", None])
def test_ssh_to_an_engine_is_refused_with_what_works_instead(
    given: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://engine")

    with pytest.raises(PermanentError, match="Forward its socket: drbot docs running"):
        DockerEngine(given).id()
