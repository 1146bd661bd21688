"""What a card calls proven was seen by this worker, by the proofs of that very gate, at the place and from the backup
that it names, whatever rows and files say.
"""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from drbot.core.base.errors import PermanentError
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.core.runs.stakes import ProofKind
from drbot.core.runs.stakes_words import loss_text
from drbot.core.site.site import Recovery
from drbot.runners.contract.action import Finding, StepContext
from drbot.store.base.schema import requests
from tests.integration.attacks.rows import vote
from tests.integration.runners.test_edited_files import (
    own,
    recovered_by_code,
    with_services,
    with_site,
)
from tests.integration.runners.test_rows_over_time import approved, of, queued, rows, with_runbook
from tests.integration.runners.test_words_of_a_card import DNS, card, first_transactions, with_dns
from tests.integration.runners.worker_fixture import WorkerFixture, asked, with_registry

TWO_GATES = """
runbook: own
title: {en: Delete kept data for good}
level: 2
inputs:
  keeper: {type: volume, of: postgres, choose: given}
steps:
  - id: look
    title: {en: Look}
    do: evidence.collect
    with: {services: "${services.all}"}
    after: []
    limits: {time: 2m}
    check: [{probe: own_checks.http}]
    drill: run
  - id: approval
    title: {en: Two people approve}
    gate: {people: 2, for: [remove], proof: [look]}
    after: []
  - id: remove
    title: {en: Delete the kept data}
    do: kept.remove
    with: {volume: "${keeper}"}
    after: [look, approval]
    effect: destroy
    again: never
    limits: {time: 10m}
    check: [{probe: volume.gone, with: {volume: "${keeper}"}}]
    if_fails: ask
    interrupt: never
    drill: skip
  - id: look-production
    title: {en: Production works without it}
    do: health.wait
    with: {services: "${services.all}", within: 30s}
    after: [remove]
    limits: {time: 5m}
    check: [{probe: health.services, with: {services: "${services.all}"}}]
    drill: run
""" + asked("look-production", "second")


def test_a_gate_says_proven_by_its_own_proofs_alone(guarded: WorkerFixture) -> None:
    """The proof of a second gate, that comes after the deletion, lends its word to the first one's card."""
    first, keeper = recovered_by_code(guarded)
    guarded.target.running.discard("auth")  # production is not well: the kept data may be the only good one
    worker_fixture = with_runbook(guarded, "own.yml", TWO_GATES)

    run = worker_fixture.go(worker_fixture.queue(first.incident, "own", RunKind.GIVE_UP, keeper=keeper))
    words = card(worker_fixture, run)
    for person in ("ben", "chika"):
        vote(worker_fixture, run.id, person)
    worker_fixture.go(run)

    gone = keeper not in worker_fixture.target.volumes
    assert not ("PROVEN: production answered without it" in words and gone), words


def test_a_second_request_says_when_it_was_proven_and_not_when_it_was_asked_again(
    worker_fixture: WorkerFixture,
) -> None:
    run, then = approved(worker_fixture), datetime(2026, 11, 30, 3, 15, tzinfo=UTC)
    rows(worker_fixture, of(run, "restore-beside").values(finished_at=then), update(requests).values(proven_at=then))
    before = card(worker_fixture, run)
    worker_fixture.target.errors["volume.swap"] = [PermanentError("the helper failed")]
    worker_fixture.go(run)
    worker_fixture.settle(run, "swap", "retry")

    run = worker_fixture.go(run)

    assert run.state is RunState.WAITING and len(worker_fixture.events(run, "request.opened")) == 2
    assert "03:15:00 UTC" in before and "03:15:00 UTC" in card(worker_fixture, run)


def test_a_place_is_proven_only_by_raising_it(guarded: WorkerFixture) -> None:
    """Any runbook that drbot ships, at any site, makes the card say that the new place was raised and checked."""
    worker_fixture = with_dns(with_runbook(guarded, "own.yml", DNS))

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    assert run.plan is not None, run.outcome
    assert run.plan.stakes.proof is not ProofKind.RAISED


OTHER_BACKUP = (
    DNS.replace("level: 4\n", "level: 4\ninputs:\n  backup: {type: backup, of: full, choose: newest_checked}\n")
    .replace(
        "run: {runbook: restart-services, site: production}",
        "run: {runbook: level3-host, site: elsewhere, with: {backup: all_databases_2.sql.gz}}",
    )
    .replace("title: {en: Lead}", 'title: {en: "Lead ${backup}"}')
)


def test_the_new_place_is_raised_from_the_backup_of_the_card(guarded: WorkerFixture) -> None:
    """The part restores an older one; the card says the newest, and that nothing later than that is lost."""
    worker_fixture = with_dns(with_runbook(guarded, "own.yml", OTHER_BACKUP))

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    assert run.plan is not None, run.outcome
    words = card(worker_fixture, run)
    raised = run.plan.stakes.proof is ProofKind.RAISED  # what the card says once the part has ended
    assert not (raised and "By: the backup all_databases_1.sql.gz" in words and "after 2026-11-26 11:00" in words), (
        words
    )


def test_a_card_says_that_a_part_is_of_ones_own(guarded: WorkerFixture) -> None:
    """drbot's own level 4, whose part `level3-host` is a file in the folder of own runbooks: it raises nothing."""
    part = own("restart-services", name="level3-host")
    worker_fixture = with_dns(with_runbook(guarded, "level3-host.yml", part))
    recovery = Recovery(site="elsewhere", control="production")
    known = worker_fixture.worker_context.configuration.model_copy(update={"recovery": recovery})
    worker_fixture = replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=known))
    yes = worker_fixture.worker_context.registry.probes["own_checks.http"]
    asked = ("host.suitable", "host.can_provision", "dns.changeable", "dns.quick", "certificate.possible")
    worker_fixture = with_registry(worker_fixture, probes=dict.fromkeys(asked, yes))

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "level4-datacentre"))

    assert run.plan is not None, run.outcome
    assert any("level3-host" in warning for warning in run.plan.warnings), run.plan.warnings


def planned_only(worker_fixture: WorkerFixture, run: Run) -> Run:
    """The worker is restarted as soon as the plan is made."""
    stop = threading.Event()
    look = worker_fixture.target.fingerprint

    def fingerprint(cancelled: Any) -> Any:
        stop.set()
        return look(cancelled)

    worker_fixture.target.fingerprint = fingerprint  # type: ignore[method-assign]
    worker_fixture.worker(stop=stop).handle(run.id)
    worker_fixture.target.fingerprint = look  # type: ignore[method-assign]
    planned = worker_fixture.run(run)
    assert planned.plan is not None and planned.state is RunState.QUEUED, planned.outcome
    return planned


def with_urls(worker_fixture: WorkerFixture) -> WorkerFixture:
    """`health.services` asks the URLs of dr.yml, as the real one does: the attacker's answers always."""
    registry = worker_fixture.worker_context.registry
    asks = registry.probes["health.services"]
    waits = registry.actions["health.wait"]

    def healthy(context: StepContext, given: Mapping[str, Any]) -> Finding:
        if all(context.site.services[name].health == "http://mallory/ok" for name in given["services"]):
            return Finding(passed=True, sentence="Healthy.")
        return asks(context, given)

    def wait(context: StepContext, given: Mapping[str, Any]) -> Any:
        return waits(context, {**given, "services": []} if healthy(context, given).passed else given)

    return with_registry(worker_fixture, actions={"health.wait": wait}, probes={"health.services": healthy})


def test_a_proof_is_not_made_with_health_urls_that_were_edited_after_the_plan(guarded: WorkerFixture) -> None:
    worker_fixture = with_urls(guarded)
    first, keeper = recovered_by_code(worker_fixture)
    worker_fixture.target.running.discard("auth")  # production is not well
    run = planned_only(
        worker_fixture, worker_fixture.queue(first.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper)
    )

    with_services(worker_fixture, every={"health": "http://mallory/ok"}).go(run)
    words = card(worker_fixture, run) if worker_fixture.run(run).state is RunState.WAITING else ""
    rows(worker_fixture, queued(run))
    worker_fixture.go(run)
    if words:
        for person in ("ben", "chika"):
            vote(worker_fixture, run.id, person)
        worker_fixture.go(run)

    assert keeper in worker_fixture.target.volumes, words


def test_a_proof_is_not_settled_by_a_row(guarded: WorkerFixture) -> None:
    """Nothing was restored; a row says that somebody settled the step as done, and its check would agree."""
    run = planned_only(guarded, guarded.declare())
    guarded.target.volumes[f"postgres_data_{run.id}"] = "good"
    settled = {"state": "failed", "settlement": "done", "settled_by": "ben", "attempt": 1}
    rows(guarded, of(run, "restore-beside").values(**settled), queued(run))

    guarded.go(run)

    assert "restore-beside" in guarded.target.calls  # by this worker, whatever the row said


def test_production_is_not_proven_by_one_service_that_dr_yml_still_names(guarded: WorkerFixture) -> None:
    """drbot's own give-up; dr.yml has lost every service but Redis when the plan is made."""
    first, keeper = recovered_by_code(guarded)
    guarded.target.running.discard("auth")  # production is not well
    worker_fixture = with_site(guarded, services={"redis": guarded.worker_context.site.services["redis"]})

    run = worker_fixture.go(worker_fixture.queue(first.incident, "kept-give-up", RunKind.GIVE_UP, keeper=keeper))

    assert run.plan is not None, run.outcome
    assert "PROVEN: production answered without it" not in card(worker_fixture, run)


def test_a_later_swap_whose_facts_are_not_known_changes_the_cluster_too(guarded: WorkerFixture) -> None:
    """The second swap was done, its answer was lost, and a person settled it as done: the first one's transaction
    number counts nothing in the cluster that is in place now.
    """
    worker_fixture = first_transactions(guarded, 5_000_000, 900)
    first, oldest = recovered_by_code(worker_fixture)
    swap = worker_fixture.worker_context.registry.actions["volume.swap"]

    def lost(context: StepContext, given: Mapping[str, Any]) -> Any:
        swap(context, given)
        raise PermanentError("the engine went away before it answered")

    second = with_registry(worker_fixture, actions={"volume.swap": lost})
    run = approved(second)
    assert second.go(run).state is RunState.NEEDS_DECISION
    second.settle(run, "swap", "done")
    second.go(run)
    second.answer(run)
    assert second.go(run).state is RunState.SUCCEEDED

    undo = worker_fixture.go(worker_fixture.queue(first.incident, "level2-undo", RunKind.UNDO, keeper=oldest))

    assert undo.plan is not None
    lost_words = loss_text(undo.plan.stakes.loss)
    assert "the first transaction after the swap is not known here" in lost_words and "0 rows" not in lost_words
