"""One machine per incident however often it is asked for, and a token that is used once and holds no credential."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.lab.cloud import NAME
from drbot.runners.actions import machine
from tests.integration.centre.conftest import NEW, Centre
from tests.integration.centre.terraform import terraform
from tests.waiting import PATIENCE

HERE = {"site": "recovery"}


def token_of(text: str) -> str:
    return text.split("--join ")[1].split()[0]


def test_asked_twice_it_is_one_machine_and_it_runs(centre: Centre) -> None:
    first = machine.provision(centre.context(), HERE)
    second = machine.provision(centre.context(attempt=2), HERE)

    assert centre.cloud.machines() == [first.facts["machine"]]
    assert second.facts == first.facts
    assert machine.running(centre.context(), HERE).passed


def test_user_data_holds_a_token_and_no_credential(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://drbot:sesame@db/drbot")
    made = machine.provision(centre.context(), HERE)
    text = centre.cloud.user_data(made.facts["machine"])

    assert text.startswith("#!/bin/sh\n")
    assert text.count("--join") == 1
    for secret in ("sesame", os.environ["AWS_SECRET_ACCESS_KEY"]):
        assert secret not in text
    assert token_of(text) not in "".join(centre.lines)


@pytest.mark.parametrize(
    ("codes", "starts"),
    [("137 1 0", 3), ("2 0", 2), ("3", 1), ("0", 1), ("1 3", 2)],
    ids=["killed", "no database yet", "refused", "ended", "refused later"],
)
def test_user_data_starts_a_dead_worker_again_with_its_token(tmp_path: Path, codes: str, starts: int) -> None:
    """It may have died before it joined."""
    worker = tmp_path / "drbot"
    worker.write_text('#!/bin/sh\necho "$@" >> calls; set -- $CODES; shift $(($(wc -l < calls) - 1)); exit $1\n')
    worker.chmod(0o755)
    (tmp_path / "sleep").symlink_to("/bin/true")
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CODES": codes}
    script = machine.user_data("recovery", "a-token")
    subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, timeout=PATIENCE)

    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == ["worker --site recovery --join a-token"] * starts


def test_the_machine_is_given_back(centre: Centre) -> None:
    machine.provision(centre.context(), HERE)
    machine.release(centre.context(), HERE)

    assert centre.cloud.machines() == []
    assert not machine.running(centre.context(), HERE).passed


@pytest.mark.parametrize(("another", "said"), [("of-another-host", "is not given back"), ("2", "was not rented by")])
def test_a_machine_that_another_run_rented_is_not_given_back(centre: Centre, another: str, said: str) -> None:
    """The later one finds it by its tags, and would have taken it away under the earlier one's proof."""
    machine.provision(centre.context(), HERE)
    centre.run = replace(centre.run, id=f"{centre.run.id}-{another}")
    machine.provision(centre.context(), HERE)  # found, and taken over to be used

    with pytest.raises(PermanentError, match=said):
        machine.release(centre.context(), HERE)

    assert len(centre.cloud.machines()) == 1


def test_a_machine_that_a_later_run_took_over_is_not_given_back_by_the_earlier(centre: Centre) -> None:
    machine.provision(centre.context(), HERE)
    earlier = centre.run
    centre.run = replace(earlier, id=f"{earlier.id}-2")
    machine.provision(centre.context(), HERE)
    centre.run = earlier

    with pytest.raises(PermanentError, match="Another run depends on the machine"):
        machine.release(centre.context(), HERE)

    assert len(centre.cloud.machines()) == 1


def test_a_machine_that_users_are_led_to_now_is_not_given_back(centre: Centre) -> None:
    """Whoever has led them there, and whatever this host remembers."""
    made = machine.provision(centre.context(), HERE)
    centre.cloud.point(NAME, str(made.facts["address"]))

    with pytest.raises(PermanentError, match="DNS points to the machine"):
        machine.release(centre.context(), HERE)

    assert len(centre.cloud.machines()) == 1


def test_the_machine_behind_an_address_that_users_are_led_to_now_is_not_given_back(centre: Centre) -> None:
    machine.provision(centre.context(), HERE)
    centre.cloud.point(NAME, NEW)

    with pytest.raises(
        PermanentError, match=r"DNS points to recovery \(127\.0\.0\.2\); its machine was not given back"
    ):
        machine.release(centre.context(), HERE)

    assert len(centre.cloud.machines()) == 1


@pytest.mark.parametrize("changes", [{"server": "127.0.0.1:1"}, {"endpoint": "http://127.0.0.1:1"}])
def test_where_nobody_says_where_users_are_led_no_machine_is_given_back(
    centre: Centre, changes: dict[str, str]
) -> None:
    machine.provision(centre.context(), HERE)

    with pytest.raises(DrbotError):
        machine.release(centre.context(configuration=centre.with_dns(**changes)), HERE)
    without = centre.configuration.model_copy(update={"dns": None})
    with pytest.raises(PermanentError, match="no section `dns`"):
        machine.release(centre.context(configuration=without), HERE)

    assert len(centre.cloud.machines()) == 1


def test_a_machine_at_an_address_that_another_run_counts_on_is_not_given_back(centre: Centre) -> None:
    """dr.yml may call the address that the cloud gave it by another name of a site, in another incident."""
    made = machine.provision(centre.context(), HERE)

    with pytest.raises(PermanentError, match="Another run depends on the machine"):
        machine.release(centre.context(counted_on=(str(made.facts["address"]),)), HERE)

    assert len(centre.cloud.machines()) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"image": "ami-00000000"}, "ami-00000000"), ({"image": None}, "neither a Terraform folder nor an image")],
)
def test_a_machine_that_cannot_be_made_is_known_before(centre: Centre, changes: dict[str, Any], why: str) -> None:
    finding = machine.can_provision(centre.context(configuration=centre.with_provision(**changes)), HERE)

    assert not finding.passed
    assert why in finding.sentence
    assert centre.cloud.machines() == []


@pytest.mark.parametrize("actions", [("delete",), ("delete", "create"), ("create", "delete"), ("update",), ("forget",)])
def test_terraform_only_adds(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actions: tuple[str, ...]
) -> None:
    """What is there may be a machine with its disk, or a record that leads users: nobody was asked about those."""
    folder = terraform(centre, tmp_path, monkeypatch, *actions)

    with pytest.raises(PermanentError, match=r"would change .*aws_instance\.recovery .*Nothing was applied"):
        machine.provision(centre.context(), HERE)
    assert " apply " not in (folder / "calls").read_text()


@pytest.mark.parametrize("actions", [("no-op",), ("read",)])
def test_terraform_applies_again_what_is_there_already(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actions: tuple[str, ...]
) -> None:
    terraform(centre, tmp_path, monkeypatch, *actions)

    assert machine.provision(centre.context(), HERE).facts["machine"] == "vm-1"


def test_terraform_makes_it_where_it_is_present(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = terraform(centre, tmp_path, monkeypatch)
    made = machine.provision(centre.context(), HERE)

    assert made.facts == {"site": "recovery", "machine": "vm-1", "address": "192.0.2.7"}
    calls = (folder / "calls").read_text()
    assert "apply -input=false" in calls and "-auto-approve" not in calls  # the plan that was looked at
    assert "--join" not in calls  # it is in the environment, where no list of processes shows it
    assert "site = recovery" in centre.lines
    assert any("(one-time token)" in line for line in centre.lines)
    assert centre.cloud.machines() == []
