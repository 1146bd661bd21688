"""An engine that is not there may come back; what it refuses will be refused again."""

from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.runbooks.runbook import names_in
from drbot.core.site.site import Configuration
from drbot.runners.clients.clients import clients_of
from drbot.runners.contract.arguments import byte_count
from drbot.runners.foundation.settings import RunnerSettings


def test_a_dead_engine_is_found_by_the_step_that_needs_it_and_may_be_tried_again(tmp_path: Path) -> None:
    configuration = Configuration.model_validate(
        {
            "system": "shop",
            "sites": {
                "production": {
                    "docker": {"host": f"unix://{tmp_path}/docker.sock"}, "projects": tmp_path, "services": {},
                }
            },
            "backups": {"directory": tmp_path},
        }
    )  # fmt: skip

    settings = RunnerSettings(home=tmp_path, docker_host=None)
    clients = clients_of(configuration.site(), configuration, settings, patience_seconds=0.3)

    with pytest.raises(TemporaryError) as raised:
        clients.docker.id()
    assert raised.value.kind == "network"
    assert str(raised.value) == (
        f"Not done: Connect to Docker at unix://{tmp_path}/docker.sock: the Docker engine does not answer "
        "(No such file or directory)"
    )
    with pytest.raises(PermanentError, match="no `postgres`"):
        clients.postgres.fault()


def test_services_and_amounts_are_read_as_runbooks_write_them() -> None:
    assert names_in("auth, user") == ("auth", "user")
    several = ["auth", "front-user front-admin", "auth"]
    assert names_in(several) == ("auth", "front-user", "front-admin")
    assert byte_count("2.5x backup", 100) == 250
    assert byte_count("10 GB", 0) == byte_count(10**10, 0) == 10**10
    for wrong in ("2.5 backups", "many", None):
        with pytest.raises(PermanentError, match="is not an amount"):
            byte_count(wrong, 1)


def test_the_environment_gives_the_engine_and_the_values_to_mask(tmp_path: Path) -> None:
    known = {"DOCKER_HOST": "", "POSTGRES_PASSWORD": "hunter2hunter2", "AWS_SECRET_ACCESS_KEY": "abc", "PATH": "/bin"}

    settings = RunnerSettings.from_environment(tmp_path, known)

    assert settings.docker_host is None
    assert set(settings.secrets) == {"hunter2hunter2", "abc"}
