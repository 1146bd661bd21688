"""Whose data a backup holds, and what of a host it brings back: the card says both, from the manifest and the steps."""

import re
from dataclasses import replace

from sqlalchemy import delete

from drbot.core.runs.plan import Holds
from drbot.core.runs.run import Run
from drbot.core.site.site import Recovery, Site
from drbot.runners.contract.target import Chosen, Search
from drbot.store.base import schema
from tests.integration.runners.test_edited_files import with_repository
from tests.integration.runners.test_rows_over_time import rows, with_runbook
from tests.integration.runners.test_words_of_a_card import DNS, FOLDER_BACK, SET_ASIDE, card, with_dns
from tests.integration.runners.worker_fixture import WorkerFixture

POSTGRES = """  - id: restore
    title: {en: Restore}
    do: postgres.restore
    with: {backup: "${backup}", volume: "${postgres.volume}"}
    after: [aside]
    effect: change
    limits: {time: 1h}
    drill: skip
"""


VERIFY = """  - id: verify
    title: {en: Verify}
    do: data.wait
    after: [STEPS]
    limits: {time: 1m}
    check: [{probe: data.answers}]
    drill: redirect
"""


def planned(worker_fixture: WorkerFixture, steps: str, *, lost: str = "production") -> Run:
    """The plan of a runbook that replaces a host. `lost`: what a row says which site was lost."""
    verify = VERIFY.replace("STEPS", ", ".join(["aside", *re.findall(r"- id: ([\w-]+)", steps)]))
    worker_fixture = with_runbook(worker_fixture, "own.yml", SET_ASIDE + steps + verify)
    incident = worker_fixture.declare().incident
    rows(worker_fixture, schema.incidents.update().values(site=lost))
    return worker_fixture.go(worker_fixture.queue(incident, "own"))


def asked_for(worker_fixture: WorkerFixture) -> list[str]:
    """Of which sites full backups are looked for from now on."""
    asked: list[str] = []
    choose = worker_fixture.target.choose_full_backup

    def of_site(search: Search) -> Chosen:
        asked.append(search.site)
        return choose(search)

    worker_fixture.target.choose_full_backup = of_site  # type: ignore[method-assign]
    return asked


def test_whose_backup_it_is_follows_no_row(guarded: WorkerFixture) -> None:
    """Which site was lost is a column of the incident; a host that is no place of recovery gets its own data."""
    asked = asked_for(guarded)

    run = planned(guarded, POSTGRES, lost="staging")

    assert asked == ["production"]
    assert "data of production, in memory" in card(guarded, run)


def test_whose_data_comes_to_a_place_of_recovery_stands_on_the_card(guarded: WorkerFixture) -> None:
    """There it is another site's on purpose, as it was declared: two people read which."""
    known = guarded.worker_context.configuration
    recovery = {"recovery": Recovery(site="production", control="outside"), "sites": {**known.sites, "outside": Site()}}
    changed = replace(guarded.worker_context, configuration=known.model_copy(update=recovery))

    run = planned(replace(guarded, worker_context=changed), POSTGRES, lost="staging")

    assert "data of staging, not of production" in card(guarded, run)


def test_a_backup_without_a_manifest_is_nobodys_for_sure(guarded: WorkerFixture) -> None:
    first, *others = guarded.target.backups
    guarded.target.backups[:] = [first.model_copy(update={"manifest": False}), *others]

    assert "of an unknown site" in card(guarded, planned(guarded, POSTGRES))


REDIS = (
    POSTGRES.replace("id: restore", "id: redis")
    .replace("postgres.restore", "redis.restore")
    .replace("postgres.", "redis.")
)


def lost(worker_fixture: WorkerFixture, run: Run) -> str:
    """What the card says is lost."""
    words = card(worker_fixture, run)
    return next(line for line in words.splitlines() if line.startswith("Data that will be LOST"))


def holding(worker_fixture: WorkerFixture, holds: Holds) -> WorkerFixture:
    worker_fixture.target.backups[:] = [
        one.model_copy(update={"holds": holds}) for one in worker_fixture.target.backups
    ]
    return worker_fixture


def test_what_no_step_fills_again_is_lost_whole_and_named(guarded: WorkerFixture) -> None:
    """Of the host that is put aside only Redis is put back."""
    said = lost(guarded, planned(guarded, REDIS))

    assert "everything written after 2026-11-26 11:00:00 UTC" in said
    assert f"known to bring back: postgres_data, {guarded.worker_context.site.projects}" in said


def test_what_every_step_fills_again_loses_only_what_was_written_later(guarded: WorkerFixture) -> None:
    said = lost(guarded, planned(with_repository(guarded, "a"), POSTGRES + REDIS + FOLDER_BACK))

    assert "everything written after 2026-11-26 11:00:00 UTC" in said
    assert "known to bring back" not in said


def test_what_the_backup_does_not_hold_is_lost_whole_and_told_before(guarded: WorkerFixture) -> None:
    worker_fixture = holding(with_repository(guarded, "a"), Holds(configuration=True))

    run = planned(worker_fixture, POSTGRES + REDIS + FOLDER_BACK)

    assert lost(worker_fixture, run).endswith("known to bring back: redis_data")
    assert "Not known to be in the backup: redis_data" in card(worker_fixture, run)


def test_what_is_filled_before_the_host_is_put_aside_is_put_aside_with_it(guarded: WorkerFixture) -> None:
    early = POSTGRES.replace("after: [aside]", "after: [fetch]")

    said = lost(guarded, planned(guarded, early + REDIS))

    assert "known to bring back: postgres_data" in said


def test_where_nothing_is_put_back_all_is_lost(guarded: WorkerFixture) -> None:
    said = lost(guarded, planned(guarded, ""))

    assert "LOST: ALL of these, which no step of this plan is known to bring back: postgres_data, redis_data" in said


MOVE = DNS.replace(
    "level: 4\n", "level: 4\ninputs:\n  backup: {type: backup, of: full, choose: newest_checked}\n"
).replace(
    "run: {runbook: restart-services, site: production}",
    'run: {runbook: level3-host, site: elsewhere, with: {backup: "${backup}"}}',
)


def moved(worker_fixture: WorkerFixture, runbook: str) -> str:
    """What is lost by leading users to `elsewhere`, where the same system is described."""
    worker_fixture = with_dns(with_runbook(worker_fixture, "own.yml", runbook))
    known = worker_fixture.worker_context.configuration
    sites = {**known.sites, "elsewhere": known.sites["production"].model_copy(update={"address": "192.0.2.1"})}
    changed = replace(worker_fixture.worker_context, configuration=known.model_copy(update={"sites": sites}))
    worker_fixture = replace(worker_fixture, worker_context=changed)
    return lost(worker_fixture, worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own")))


def test_users_that_are_moved_lose_whole_what_the_backup_does_not_hold(guarded: WorkerFixture) -> None:
    assert "known to bring back" not in moved(guarded, MOVE)
    rows(guarded, delete(schema.locks))
    assert moved(holding(guarded, Holds(configuration=True)), MOVE).endswith("known to bring back: redis_data")


def test_what_users_lose_in_a_place_that_this_plan_does_not_raise_is_not_known(guarded: WorkerFixture) -> None:
    used = "title: {en: Lead}", 'title: {en: "Lead ${backup}"}'

    said = moved(guarded, MOVE.replace("level3-host", "restart-services").replace(*used))

    assert "unknown" in said
