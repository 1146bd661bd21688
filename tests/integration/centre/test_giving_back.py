"""A rented machine is given back by two people who read what goes with it; never while users are led there, nor while
it may hold the only copy in use.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import Run, RunKind, RunState, StepState
from drbot.core.runs.stakes import Act, LossKind, ProofKind, Users
from drbot.core.site.level import Level
from drbot.lab.cloud import NAME
from drbot.runners.actions import giving_back, machine
from drbot.runners.contract.machine_book import MachineBook, look_at_machines, look_at_names
from drbot.store.records import incidents, kept, led_names, machines
from drbot.store.records.kept import Kept
from drbot.store.runs import runs
from tests.integration.centre.conftest import NEW, Centre
from tests.integration.centre.moving import (
    SECONDS,
    Health,
    leads_to,
    moved,
    play_machine,
    play_part,
    raised,
    worker_context,
)
from tests.integration.centre.terraform import changes, terraform
from tests.integration.centre.test_leading_back import ask_back, recovered
from tests.integration.centre.test_rented import HERE, known, told
from tests.integration.runners.test_words_of_a_card import card
from tests.integration.runners.worker_fixture import WorkerFixture
from tests.waiting import wait_for


def ask_to_give_back(control: WorkerFixture, incident: int, name: str) -> Run:
    return control.go(control.queue(incident, "machine-give-back", RunKind.GIVE_BACK, machine=name))


def planned(control: WorkerFixture, incident: int, name: str) -> Run:
    """What a busy machine has answered too late is asked once more, as people would."""

    def asked() -> Run | None:
        run = ask_to_give_back(control, incident, name)
        return run if run.plan is not None else None

    found = wait_for(asked, 120, f"a plan to give {name} back")
    assert found is not None
    return found


# Given back


def test_a_machine_that_nobody_was_led_to_is_given_back_by_two(centre: Centre, control: WorkerFixture) -> None:
    """The recovery died before DNS: the machine holds nothing but what the backup holds."""
    run = raised(centre, control)
    (name,) = centre.cloud.machines()
    control.stop(run)
    control.worker().handle(run.id)
    look_at_machines(centre.database, centre.configuration)

    asked = planned(control, run.incident, name)

    assert asked.state is RunState.WAITING and asked.plan is not None
    stakes = asked.plan.stakes
    assert (stakes.act, stakes.proof, stakes.loss.kind) == (Act.GIVE_BACK, ProofKind.UNLED, LossKind.MACHINE)
    assert stakes.machine is not None and stakes.machine.users is Users.NEVER
    assert not asked.plan.keeps  # so break-glass cannot
    words = card(control, asked)
    assert f"the machine {name} of recovery (t3.large, us-east-1" in words and "drbot never moved users there" in words
    assert centre.cloud.machines() == [name]
    control.approve(asked)
    assert control.go(asked).state is RunState.SUCCEEDED
    assert centre.cloud.machines() == []
    assert known(centre) == []


def test_a_machine_that_users_are_led_to_is_not_even_planned_to_be_given_back(
    centre: Centre, control: WorkerFixture
) -> None:
    run = recovered(centre, control)
    (name,) = centre.cloud.machines()

    asked = ask_to_give_back(control, run.incident, name)

    assert asked.plan is None
    assert f"DNS points to recovery ({NEW}). Point it elsewhere first: /dr lead-back" in str(asked.outcome)
    assert centre.cloud.machines() == [name]


def test_users_who_come_back_while_people_read_keep_their_machine(centre: Centre, control: WorkerFixture) -> None:
    run = raised(centre, control)
    (name,) = centre.cloud.machines()
    control.stop(run)
    control.worker().handle(run.id)
    asked = planned(control, run.incident, name)
    control.approve(asked)
    centre.cloud.point(NAME, NEW)

    ended = control.go(asked)

    assert ended.state is not RunState.SUCCEEDED
    assert centre.cloud.machines() == [name]


def test_a_machine_that_may_hold_the_only_copy_in_use_stays(centre: Centre, control: WorkerFixture) -> None:
    """Users worked there and were led back to a place where nothing answers."""
    run = recovered(centre, control)
    (name,) = centre.cloud.machines()
    centre.cloud.point(NAME, "127.0.0.9")
    wait_for(lambda: leads_to(centre) == ("127.0.0.9",), SECONDS, "the name server to follow")

    asked = ask_to_give_back(control, run.incident, name)

    assert asked.plan is None
    assert "it may hold the only copy in use" in str(asked.outcome)
    assert centre.cloud.machines() == [name]


@pytest.mark.usefixtures("old_front")
@pytest.mark.long
def test_after_users_were_led_back_the_card_says_what_only_this_machine_holds(
    centre: Centre, control: WorkerFixture
) -> None:
    run = recovered(centre, control)
    (name,) = centre.cloud.machines()
    with centre.database.write() as tx:
        row = Kept(
            site="recovery", incident=run.incident, run=run.id, volume="postgres_data_aside", original="postgres_data",
            size_bytes=None, created_at=tx.now,
        )  # fmt: skip
        kept.add(tx, row)
    back = ask_back(control, run)
    control.approve(back)
    assert control.go(back).state is RunState.SUCCEEDED

    asked = planned(control, run.incident, name)

    words = card(control, asked)
    assert "what they wrote there exists NOWHERE ELSE" in words
    assert "Kept data on it goes too: postgres_data_aside" in words
    control.approve(asked)
    assert control.go(asked).state is RunState.SUCCEEDED
    assert centre.cloud.machines() == []
    with centre.database.read() as connection:
        assert kept.list_of(connection) == []  # it was on the machine


def test_while_a_recovery_counts_on_it_a_machine_stays(centre: Centre, control: WorkerFixture) -> None:
    run = raised(centre, control)
    (name,) = centre.cloud.machines()

    asked = ask_to_give_back(control, run.incident, name)

    assert asked.plan is None
    assert f"{run.id} depends on it and has not ended." in str(asked.outcome)


def test_a_machine_that_drbot_has_not_made_is_never_given_back(centre: Centre, control: WorkerFixture) -> None:
    stranger = centre.cloud.client("ec2").run_instances(ImageId=centre.cloud.image(), MinCount=1, MaxCount=1)
    name = str(stranger["Instances"][0]["InstanceId"])

    asked = ask_to_give_back(control, centre.run.incident, name)

    assert asked.plan is None
    assert f"There is no rented machine {name}" in str(asked.outcome)
    assert centre.cloud.machines() == [name]


@pytest.mark.long
def test_level_4_again_after_its_machine_died_before_dns_rents_another_and_lists_what_there_is(
    centre: Centre, control: WorkerFixture
) -> None:
    run = raised(centre, control)
    (first,) = centre.cloud.machines()
    centre.cloud.client("ec2").terminate_instances(InstanceIds=[first])
    control.stop(run)
    control.worker().handle(run.id)
    again = control.queue(run.incident, "level4-datacentre")
    control.begin(again)
    play_machine(centre)
    control.wait_for_step(again, "recover", StepState.WAITING)
    control.ended()
    look_at_machines(centre.database, centre.configuration)

    (second,) = centre.cloud.machines()
    assert second != first
    assert known(centre) == [second]
    assert told(centre, EventKind.MACHINE_RENTED) == 2 and told(centre, EventKind.MACHINE_GONE) == 1


@pytest.mark.more
def test_a_machine_that_dies_behind_dns_is_gone_and_the_names_still_lead_there(
    centre: Centre, control: WorkerFixture
) -> None:
    run = moved(centre, control)
    (name,) = centre.cloud.machines()
    centre.cloud.client("ec2").terminate_instances(InstanceIds=[name])
    play_part(control, "level4-certificate", RunState.FAILED, "the machine is gone.")
    assert control.go(run).state is RunState.NEEDS_DECISION
    Health.status = 503
    control.stop(run)
    control.worker().handle(run.id)
    for look in (look_at_machines, look_at_names):
        look(centre.database, control.worker_context.configuration)

    assert known(centre) == []
    with centre.database.read() as connection:
        assert [one.addresses for one in led_names.list_of(connection)] == [(NEW,)]
    asked = ask_back(control, run)
    assert f"⚠ {NEW} (where users go now): http://{NAME}" in card(control, asked)


@pytest.mark.more
def test_two_incidents_have_two_machines_and_the_one_that_users_are_led_to_stays(centre: Centre) -> None:
    first = machine.provision(centre.context(), HERE).facts
    with centre.database.write() as tx:
        again = incidents.declare(tx, site="production", level=Level.DATACENTRE, title="Again", person="aiko")
        centre.run = runs.queue(
            tx, incident=again.id, site="control", kind=RunKind.RECOVER, runbook="level4-datacentre", arguments={},
            person="aiko",
        )  # fmt: skip
    second = machine.provision(centre.context(), HERE).facts
    centre.cloud.point(NAME, str(second["address"]))
    wait_for(lambda: leads_to(centre) == (second["address"],), SECONDS, "the name server to follow")
    look_at_machines(centre.database, centre.configuration)

    assert sorted(known(centre)) == sorted([first["machine"], second["machine"]])
    told_apart = {
        str(one["machine"]): giving_back.unled(centre.context(), {"machine": one["machine"]}).sentence
        for one in (first, second)
    }
    assert f"DNS points to {second['machine']} ({second['address']})" in told_apart[str(second["machine"])]
    assert "DNS points to" not in told_apart[str(first["machine"])]


# Terraform


def test_what_terraform_made_is_found_in_its_state(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terraform(centre, tmp_path, monkeypatch)
    look_at_machines(centre.database, centre.configuration)
    assert known(centre) == []
    machine.provision(centre.context(), HERE)

    look_at_machines(centre.database, centre.configuration)

    with centre.database.read() as connection:
        (one,) = machines.list_of(connection)
    assert (one.machine, one.by, one.site, one.type) == ("vm-1", "terraform", "recovery", "cx42")


def terraform_control(
    centre: Centre, control: WorkerFixture, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> WorkerFixture:
    terraform(centre, folder, monkeypatch)
    return replace(control, worker_context=worker_context(control, centre))


@pytest.mark.usefixtures("old_front")
def test_two_people_read_all_that_terraform_would_destroy_and_it_destroys_exactly_that(
    centre: Centre, control: WorkerFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = terraform_control(centre, control, tmp_path, monkeypatch)
    machine.provision(centre.context(machines=MachineBook(centre.database, centre.run)), HERE)

    asked = planned(control, centre.run.incident, "vm-1")

    assert "Terraform destroys: aws_eip.recovery, aws_instance.recovery" in card(control, asked)
    control.approve(asked)
    assert control.go(asked).state is RunState.SUCCEEDED
    assert known(centre) == []


@pytest.mark.usefixtures("old_front")
def test_terraform_destroys_nothing_that_two_people_did_not_read(
    centre: Centre, control: WorkerFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = terraform_control(centre, control, tmp_path, monkeypatch)
    machine.provision(centre.context(), HERE)
    asked = planned(control, centre.run.incident, "vm-1")
    control.approve(asked)
    more = changes("delete", of=("aws_instance.recovery", "aws_eip.recovery", "aws_db_instance.production"))
    (tmp_path / "bin" / "destroy.json").write_text(json.dumps(more))

    ended = control.go(asked)

    assert ended.state is not RunState.SUCCEEDED
    assert "aws_db_instance.production" in str(control.step(asked, "give-back").summary)
    assert json.loads((tmp_path / "bin" / "state.json").read_text())["resources"]


@pytest.mark.parametrize("after", ["", "{}"], ids=["a folder where nothing was ever made", "no outputs"])
def test_a_machine_that_terraform_does_not_list_is_not_taken_for_gone(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    """Whoever edits dr.yml, or takes the outputs out of the folder, ends no machine; what is kept on it is kept."""
    folder = terraform(centre, tmp_path, monkeypatch)
    machine.provision(centre.context(machines=MachineBook(centre.database, centre.run)), HERE)
    there = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(there | {"outputs": {}}) if after else "")

    look_at_machines(centre.database, centre.configuration)

    assert "vm-1" in known(centre)
    assert told(centre, EventKind.MACHINE_GONE) == 0


def test_a_machine_that_somebody_has_terraform_destroy_is_gone(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = terraform(centre, tmp_path, monkeypatch)
    machine.provision(centre.context(machines=MachineBook(centre.database, centre.run)), HERE)
    (folder / "state.json").write_text((folder / "destroyed.json").read_text())

    look_at_machines(centre.database, centre.configuration)

    assert known(centre) == []


@pytest.mark.usefixtures("old_front")
def test_a_machine_that_is_no_longer_listed_is_not_said_to_be_given_back(
    centre: Centre, control: WorkerFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = terraform_control(centre, control, tmp_path, monkeypatch)
    machine.provision(centre.context(machines=MachineBook(centre.database, centre.run)), HERE)
    asked = planned(control, centre.run.incident, "vm-1")
    control.approve(asked)
    (tmp_path / "bin" / "state.json").write_text("")

    ended = control.go(asked)

    assert ended.state is not RunState.SUCCEEDED
    assert "nothing says that it has ended" in str(control.step(asked, "give-back").summary)
    assert known(centre) == ["vm-1"]
