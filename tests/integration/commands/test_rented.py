"""What is rented is listed with its cost until it is given back; where names lead is told as it was asked last; both
are changed by runs of their own, which only two people start.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drbot.commands.facts.machines import machine_text
from drbot.commands.facts.runbook_selection import again
from drbot.commands.speech.messages import Reply
from drbot.core.runs.plan import Plan
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.site.site import Provision
from drbot.core.text.messages import say
from drbot.store.records import incidents, led_names, machines, steps
from drbot.store.records.machines import KnownMachine
from drbot.store.runs import runs
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture, build, step

CENTRE = """\
recovery: {site: recovery, control: control}
dns: {zone: example.com., names: [app.example.com]}
"""
SITES = """\
  recovery:
    projects: projects
    address: 203.0.113.7
    provision: {image: ami-1, hourly: 0.5 USD}
  control: {title: Outside}
"""
OLD, NEW = "198.51.100.1", "203.0.113.7"
MACHINE = "i-0123456789abcdef0"


@pytest.fixture
def verb_fixture(tmp_path: Path) -> Iterator[VerbFixture]:
    text = DR_YML.replace("backups: {", f"{SITES}backups: {{") + CENTRE
    built = build(tmp_path, text)
    yield built
    built.database.close()


def moved(verb_fixture: VerbFixture) -> Run:
    """Level 4 has led users to the new place; its run is over."""
    assert verb_fixture.say("aiko", "declare level4 the data centre burns").ok
    leading = step("dns", do="dns.change", effect="destroy", **{"with": {"site": "recovery"}})
    with verb_fixture.database.write() as tx:
        run = runs.claim(tx, verb_fixture.runs()[-1].id, "worker", 600)
        assert run is not None
        plan = Plan(
            runbook=run.runbook, runbook_sha256="", level=4, site="control", run=run.id, steps=(leading,),
            fingerprint={}, target="recovery", surveyed_at=tx.now,
        )  # fmt: skip
        run = runs.planned(tx, run, plan)
        steps.start(tx, run, "dns", title="dns")
        steps.succeed(tx, run, "dns", summary="led", facts={}, seconds=1, log=None)
        runs.finish(tx, run, RunState.SUCCEEDED, "Every check passed.")
    return run


def rent(verb_fixture: VerbFixture, *, hours: float = 4, **changes: object) -> KnownMachine:
    now = datetime.now(UTC)
    one = KnownMachine(
        machine=MACHINE, by="ec2", site="recovery", incident=1, run=None, type="t3.large", region="eu-central-1",
        addresses=(NEW,), state="running", since=now - timedelta(hours=hours), seen_at=now,
    )  # fmt: skip
    one = replace(one, **changes)  # type: ignore[arg-type]
    with verb_fixture.database.write() as tx:
        machines.saw(tx, one)
    return one


def lead(verb_fixture: VerbFixture, *addresses: str, told: tuple[str, ...] | None = None) -> None:
    with verb_fixture.database.write() as tx:
        led_names.saw(tx, "app.example.com", addresses, addresses if told is None else told)


def words(reply: Reply, language: str = "en") -> str:
    cells = [cell for table in reply.tables for row in table.rows for cell in row]
    return "\n".join(say(one, language) for one in (reply.text, *cells))


def offered(reply: Reply) -> list[str]:
    return [choice.command for choice in reply.choices]


def test_status_says_what_is_rented_what_it_costs_and_where_the_names_lead(verb_fixture: VerbFixture) -> None:
    moved(verb_fixture)
    rent(verb_fixture)
    lead(verb_fixture, NEW)

    reply = verb_fixture.say("dan", "status DR-1")

    said = words(reply)
    assert f"{MACHINE} of recovery (t3.large, eu-central-1, {NEW})" in said
    assert "about 2.00 USD so far (0.5 USD an hour); DNS points there" in said
    assert f"app.example.com points to {NEW} (recovery) (asked at" in said
    assert "約 2.00 USD" in words(reply, "ja")
    assert "lead-back DR-1" in offered(reply)
    assert f"give-back DR-1 {MACHINE}" not in offered(reply)  # users work there


def test_without_a_price_the_cost_is_said_to_be_unknown(verb_fixture: VerbFixture) -> None:
    sites = verb_fixture.context.configuration.sites
    without = sites["recovery"].model_copy(update={"provision": Provision(image="ami-1")})
    changed = verb_fixture.context.configuration.model_copy(update={"sites": {**sites, "recovery": without}})
    moved(verb_fixture)

    assert "cost unknown" in machine_text(rent(verb_fixture), changed, [], datetime.now(UTC))


@pytest.mark.parametrize("price", ["0.5", "USD 0.5", "0.5 usd", "-1 USD", "0,5 USD", "1e9 USD", "0.5 USD\nx"])
def test_a_price_is_an_amount_and_a_currency(price: str) -> None:
    with pytest.raises(ValueError, match="hourly"):
        Provision(hourly=price)


def test_names_that_lead_where_no_machine_is_any_more_are_told_so(verb_fixture: VerbFixture) -> None:
    moved(verb_fixture)
    lead(verb_fixture, NEW, told=(OLD,))

    said = words(verb_fixture.say("dan", "status DR-1"))

    assert f"app.example.com points to {NEW} (recovery); a name server still answers {OLD}" in said
    assert "NO MACHINE is rented for recovery now" in said


def test_what_nobody_has_seen_for_long_is_told_with_its_time(verb_fixture: VerbFixture) -> None:
    moved(verb_fixture)
    one = rent(verb_fixture)
    later = one.seen_at + timedelta(hours=1)

    with verb_fixture.database.read() as conn:
        (known,) = machines.list_of(conn)
    assert "last seen at" in machine_text(known, verb_fixture.context.configuration, [], later)


def test_kept_lists_every_machine_also_of_another_drbot_and_offers_to_give_back_what_nothing_leads_to(
    verb_fixture: VerbFixture,
) -> None:
    moved(verb_fixture)
    rent(verb_fixture)
    rent(verb_fixture, machine="i-of-another", incident=None)
    lead(verb_fixture, OLD)

    reply = verb_fixture.say("aiko", "kept")

    assert "Rented machines: 2. They are billed" in reply.text and "2 台" in say(reply.text, "ja")
    assert MACHINE in words(reply) and "i-of-another" in words(reply)
    assert offered(reply) == [f"give-back DR-1 {MACHINE}"]
    assert all(verb_fixture.say("aiko", command).ok for command in offered(reply))


def test_resolving_reminds_of_what_is_still_rented_and_offers_to_give_it_back(verb_fixture: VerbFixture) -> None:
    moved(verb_fixture)
    rent(verb_fixture)
    lead(verb_fixture, OLD)

    reply = verb_fixture.say("aiko", "resolve users-can-work we are home again")

    assert reply.ok
    assert "STILL RENTED and billed: 1" in reply.text and "返却" in say(reply.text, "ja")
    assert "about 2.00 USD so far" in words(reply)
    assert offered(reply) == [f"give-back DR-1 {MACHINE}"]
    assert "still rented and billed" in str(verb_fixture.say("ben", "report DR-1").markdown)
    assert MACHINE in words(verb_fixture.say("dan", "status DR-1"))  # also when it is resolved


def test_leading_back_is_a_run_of_its_own_at_the_control_site_also_of_a_resolved_incident(
    verb_fixture: VerbFixture,
) -> None:
    moved(verb_fixture)
    assert verb_fixture.say("aiko", "resolve users-can-work moved").ok
    assert "lead-back DR-1" in offered(verb_fixture.say("dan", "status DR-1"))

    reply = verb_fixture.say("ben", "lead-back DR-1")

    assert reply.ok and "two people" in reply.text and "does not move with" in reply.text
    run = verb_fixture.runs()[-1]
    assert (run.kind, run.runbook, run.site) == (RunKind.LEAD_BACK, "names-lead-back", "control")


def test_who_wants_to_undo_level_4_is_told_how_the_names_are_led_back(verb_fixture: VerbFixture) -> None:
    moved(verb_fixture)

    reply = verb_fixture.say("aiko", "undo DR-1")

    assert not reply.ok and offered(reply) == ["lead-back DR-1"]


def test_where_nothing_was_led_it_is_said_where_the_names_lead(verb_fixture: VerbFixture) -> None:
    assert verb_fixture.say("aiko", "declare level4 the data centre burns").ok
    assert verb_fixture.say("aiko", "stop wrong").ok
    lead(verb_fixture, OLD)

    reply = verb_fixture.say("aiko", "lead-back DR-1")

    assert not reply.ok
    assert f"has not changed where DNS points. app.example.com points to {OLD}" in words(reply)


def test_while_a_recovery_runs_neither_is_planned(verb_fixture: VerbFixture) -> None:
    moved(verb_fixture)
    rent(verb_fixture)
    assert verb_fixture.say("aiko", "recover DR-1").ok

    for command in ("lead-back DR-1", f"give-back {MACHINE}"):
        reply = verb_fixture.say("aiko", command)
        assert not reply.ok and "in progress" in words(reply)


@pytest.mark.parametrize("command", ["lead-back DR-1", f"give-back {MACHINE}"])
def test_a_blocked_recovery_makes_way_and_keeps_what_it_has_rented_until_two_agree(
    verb_fixture: VerbFixture, command: str
) -> None:
    moved(verb_fixture)
    rent(verb_fixture)
    assert verb_fixture.say("aiko", "recover DR-1").ok
    with verb_fixture.database.write() as tx:
        blocked = runs.claim(tx, verb_fixture.runs()[-1].id, "worker", 600)
    assert blocked is not None
    verb_fixture.park(blocked, RunState.BLOCKED, why="expired", offers=[])

    assert verb_fixture.say("aiko", command).ok

    ended = next(run for run in verb_fixture.runs() if run.id == blocked.id)
    assert ended.state is RunState.STOPPED
    assert ended.stop_kind is not None and not ended.stop_kind.gives_up


def test_giving_back_is_about_exactly_the_machine_that_is_named(verb_fixture: VerbFixture) -> None:
    moved(verb_fixture)
    rent(verb_fixture)

    for wrong in ("give-back", "give-back i-0", f"give-back DR-2 {MACHINE}", f"give-back {MACHINE} i-1"):
        assert not verb_fixture.say("aiko", wrong).ok
    assert verb_fixture.say("aiko", f"give-back {MACHINE}").ok
    run = verb_fixture.runs()[-1]
    assert (run.kind, run.runbook, run.site) == (RunKind.GIVE_BACK, "machine-give-back", "control")
    assert dict(run.arguments) == {"machine": MACHINE}


@pytest.mark.parametrize("command", ["lead-back DR-1", f"give-back {MACHINE}"])
def test_an_operator_may_ask_for_neither(verb_fixture: VerbFixture, command: str) -> None:
    moved(verb_fixture)
    rent(verb_fixture)

    assert not verb_fixture.say("emi", command).ok


def test_asking_again_asks_for_the_same(verb_fixture: VerbFixture) -> None:
    moved(verb_fixture)
    rent(verb_fixture)
    for command in ("lead-back DR-1", f"give-back DR-1 {MACHINE}"):
        assert verb_fixture.say("aiko", command).ok
        run = verb_fixture.runs()[-1]
        assert again(verb_fixture.incident(), run) == command
        assert verb_fixture.say("aiko", "stop").ok
    with verb_fixture.database.read() as conn:
        assert incidents.get(conn, 1).is_open
