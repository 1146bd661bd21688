"""What is rented is found by drbot's own tags or by Terraform's state, whoever remembers it, and told."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete

from drbot.core.ledger.events import EventKind
from drbot.core.runs.run import RunKind, RunState
from drbot.lab.cloud import NAME
from drbot.runners.actions import machine
from drbot.runners.contract.fingerprint import settings_of
from drbot.runners.contract.machine_book import MachineBook, look_at_machines, look_at_names
from drbot.runners.execution.lookout import Lookout
from drbot.runners.upkeep.rented_readiness import rented_lines
from drbot.store.base import ledger
from drbot.store.base.schema import machines as machines_table
from drbot.store.records import led_names, machines
from tests.faulty_proxy import faulty_proxy
from tests.integration.centre.conftest import OLD, Centre
from tests.integration.centre.moving import SECONDS, raised
from tests.integration.runners.worker_fixture import WorkerFixture
from tests.waiting import wait_for

HERE = {"site": "recovery"}


def known(centre: Centre) -> list[str]:
    with centre.database.read() as connection:
        return [one.machine for one in machines.list_of(connection)]


def told(centre: Centre, kind: EventKind) -> int:
    with centre.database.read() as connection:
        return [event.kind for event in ledger.of_incident(connection, centre.run.incident)].count(kind)


def test_a_machine_whose_worker_died_before_it_wrote_that_down_is_found_by_its_tags(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    assert known(centre) == []  # nothing was written: the worker died right after EC2 had answered

    look_at_machines(centre.database, centre.configuration)

    assert known(centre) == [made.facts["machine"]]
    with centre.database.read() as connection:
        (one,) = machines.list_of(connection, centre.run.incident)
    assert (one.site, one.run, one.type, one.region) == ("recovery", centre.run.id, "t3.large", "us-east-1")
    assert abs((datetime.now(UTC) - one.since).total_seconds()) < 120
    assert told(centre, EventKind.MACHINE_RENTED) == 1


def test_a_machine_whose_answer_was_lost_is_found_too(centre: Centre) -> None:
    """EC2 has made it, and the connection broke before it could say which."""
    with faulty_proxy(centre.cloud.endpoint) as (url, faults):
        faults.lost = ("RunInstances",)
        with pytest.raises(Exception):  # noqa: B017  (whatever becomes of the step)
            machine.provision(centre.context(configuration=centre.with_provision(endpoint=url)), HERE)
    assert len(centre.cloud.machines()) >= 1

    look_at_machines(centre.database, centre.configuration)

    assert sorted(known(centre)) == sorted(centre.cloud.machines())


def test_what_is_rented_is_written_down_at_once_and_once(centre: Centre) -> None:
    book = MachineBook(centre.database, centre.run)
    made = machine.provision(centre.context(machines=book), HERE)

    assert known(centre) == [made.facts["machine"]]
    for _ in range(2):
        look_at_machines(centre.database, centre.configuration)
    assert known(centre) == [made.facts["machine"]]
    assert told(centre, EventKind.MACHINE_RENTED) == 1


def test_a_row_that_is_taken_away_comes_back(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    look_at_machines(centre.database, centre.configuration)
    with centre.database.write() as tx:
        tx.connection.execute(delete(machines_table))

    look_at_machines(centre.database, centre.configuration)

    assert known(centre) == [made.facts["machine"]]


def test_a_machine_that_ended_by_itself_is_not_listed_any_more(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    look_at_machines(centre.database, centre.configuration)
    centre.cloud.give_back()

    look_at_machines(centre.database, centre.configuration)

    assert known(centre) == []
    assert told(centre, EventKind.MACHINE_GONE) == 1
    assert made.facts["machine"]


def test_a_stopped_machine_is_still_paid_for_and_listed(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    centre.cloud.client("ec2").stop_instances(InstanceIds=[made.facts["machine"]])
    try:
        look_at_machines(centre.database, centre.configuration)
        with centre.database.read() as connection:
            (one,) = machines.list_of(connection)
        assert one.state == "stopped"
    finally:
        centre.cloud.client("ec2").start_instances(InstanceIds=[made.facts["machine"]])


def test_a_cloud_that_does_not_answer_takes_no_machine_off_the_list(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    look_at_machines(centre.database, centre.configuration)

    look_at_machines(centre.database, centre.with_provision(endpoint="http://127.0.0.1:1"))
    look_at_machines(centre.database, centre.with_provision(region="eu-central-1"))

    assert known(centre) == [made.facts["machine"]]


def test_where_the_names_lead_is_written_down_too(centre: Centre) -> None:
    look_at_names(centre.database, centre.configuration)

    with centre.database.read() as connection:
        (one,) = led_names.list_of(connection)
    assert (one.name, one.addresses, one.told) == (NAME, (OLD,), (OLD,))


def test_a_plan_that_was_only_shown_counts_on_no_machine(centre: Centre, control: WorkerFixture) -> None:
    run = raised(centre, control)
    shown = control.queue(run.incident, "level4-datacentre", RunKind.PLAN)
    assert control.go(shown).state is RunState.SUCCEEDED

    assert control.worker_context.own.counting_on({f"DR-{run.incident}/recovery"}, but=run.id) == []


def test_readiness_lists_every_machine_until_it_is_given_back(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    name, address = str(made.facts["machine"]), str(made.facts["address"])
    priced = centre.with_provision(hourly="0.5 USD")

    forgotten = {line.what: line for line in rented_lines(priced, [], ())}[f"rented machine {name}"]
    assert not forgotten.well
    assert "t3.large, us-east-1, running, for recovery in DR-1" in forgotten.sentence
    assert "about 0.0" in forgotten.sentence and f"/dr give-back {name}" in forgotten.sentence
    (open_one,) = rented_lines(centre.configuration, [], (1,))
    assert open_one.well and "cost unknown" in open_one.sentence and "DR-1 is open" in open_one.sentence
    centre.cloud.point(NAME, address)
    (used,) = rented_lines(centre.configuration, [], ())
    assert used.well and "DNS points there" in used.sentence
    centre.cloud.give_back()
    (none,) = rented_lines(centre.configuration, [], ())
    assert (none.well, none.sentence) == (True, "none")


def test_readiness_lists_what_was_seen_last_where_the_cloud_does_not_say(centre: Centre) -> None:
    made = machine.provision(centre.context(), HERE)
    look_at_machines(centre.database, centre.configuration)
    with centre.database.read() as connection:
        there = machines.list_of(connection)

    lines = [*rented_lines(centre.with_provision(endpoint="http://127.0.0.1:1"), there, (1,))]

    assert [line.well for line in lines] == [False, False]
    assert f"rented machine {made.facts['machine']}" in lines[0].what and "seen last at" in lines[0].sentence


def test_a_price_in_dr_yml_is_nothing_that_people_are_asked_about(centre: Centre) -> None:
    assert settings_of(centre.with_provision(hourly="0.5 USD")) == settings_of(centre.configuration)
    assert settings_of(centre.with_provision(instance_type="x")) != settings_of(centre.configuration)


def test_the_control_sites_worker_looks_at_once_and_again_after_each_run(
    centre: Centre, control: WorkerFixture
) -> None:
    made = machine.provision(centre.context(), HERE)
    stop = threading.Event()
    lookout = Lookout(control.worker_context)
    thread = threading.Thread(target=lookout.run, args=(stop,))
    thread.start()
    try:
        wait_for(lambda: known(centre) == [made.facts["machine"]], SECONDS, "the first look")
        centre.cloud.give_back()
        lookout.wake()
        wait_for(lambda: known(centre) == [], SECONDS, "the look after a run")
    finally:
        stop.set()
        lookout.wake()
        thread.join(SECONDS)


def test_no_other_sites_worker_looks(centre: Centre, control: WorkerFixture) -> None:
    elsewhere = replace(control.worker_context, site_name="recovery")

    Lookout(elsewhere).run(threading.Event())  # ends by itself
