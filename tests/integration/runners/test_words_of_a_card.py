"""Every word of a card follows from what will be done: by actions, resolved arguments, checks, and what this host has
seen itself. Whoever may write every row and any YAML makes them look right, and they are not.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drbot.bot.blocks.tables import table_block
from drbot.commands.speech.messages import Table
from drbot.commands.views.vote_dialog import dialog_from, table_of
from drbot.core.runs.clocks import clocks_of
from drbot.core.runs.run import Run, RunKind
from drbot.core.runs.stakes_words import loss_text
from drbot.core.site.inventory import Inventory, KnownService, Mount
from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.core.site.site import Dns, Docker, Recovery, Site, Targets
from drbot.core.text.messages import say
from drbot.runners.clients.postgres_written import Written
from drbot.runners.contract.action import StepContext
from drbot.store.records import incidents, requests, steps
from tests.integration.runners.test_edited_files import (
    ASKS_ALL,
    own,
    planned,
    recovered_by_code,
    with_repository,
    with_services,
    with_site,
)
from tests.integration.runners.test_rows_over_time import approved, of, rows, with_runbook
from tests.integration.runners.worker_fixture import WorkerFixture, with_registry


def table_for(worker_fixture: WorkerFixture, run: Run) -> Table:
    """All words that an approver reads, from the sealed plan by the honest bot."""
    run = worker_fixture.run(run)
    assert run.plan is not None, run.outcome
    with worker_fixture.database.read() as connection:
        asked = requests.of_run(connection, run.id)[-1]
        records = steps.of_run(connection, run.id)
        incident = incidents.get(connection, run.incident)
        votes = requests.votes(connection, asked.id)
    dialog = dialog_from(
        incident=incident,
        plan=run.plan,
        request=asked,
        votes=votes,
        steps={record.id: record for record in records},
        roster=worker_fixture.worker_context.roster,
        clocks=clocks_of(incident, run.plan, records, Targets(), datetime.now(UTC)),
    )
    return table_of(dialog)


def card(worker_fixture: WorkerFixture, run: Run, language: str = "en") -> str:
    """The same as lines."""
    table = table_for(worker_fixture, run)
    return "\n".join([str(table.title), *(": ".join(say(cell, language) for cell in row) for row in table.rows)])


DNS = """
runbook: own
title: {en: Move the users}
level: 4
steps:
  - id: raise
    title: {en: Raise}
    run: {runbook: restart-services, site: production}
    after: []
    limits: {time: 1h}
    drill: run
  - id: approval
    title: {en: Two people approve}
    gate: {people: 2, for: [dns], proof: [raise]}
    after: []
  - id: dns
    title: {en: Lead}
    do: dns.change
    with: {site: elsewhere}
    after: [raise, approval]
    effect: destroy
    again: look_first
    limits: {time: 10m}
    check: [{probe: dns.points_to, with: {site: elsewhere}}]
    undo: {do: dns.change_back, with: {site: elsewhere}}
    if_fails: ask
    drill: skip
"""


def with_dns(worker_fixture: WorkerFixture, address: str = "192.0.2.1") -> WorkerFixture:
    worker_fixture.target.records = {"app.example.com": {"addresses": ["192.0.2.200"], "ttl": 60}}
    known = worker_fixture.worker_context.configuration
    sites = {**known.sites, "elsewhere": Site(address=address)}
    changed = known.model_copy(update={"sites": sites, "dns": Dns(zone="example.com.", names=("app.example.com",))})
    return replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=changed))


def test_no_headline_of_a_card_is_a_word_of_a_file(guarded: WorkerFixture) -> None:
    said = "Rehearsal in a copy, production stays untouched"
    title = ("title: Restore PostgreSQL from a backup", f"title: {said}")
    worker_fixture, run = planned(guarded, own("level2-postgres", title))

    assert said not in card(worker_fixture, run)


def test_where_is_the_site_that_is_changed(guarded: WorkerFixture) -> None:
    """dr.yml calls production the control site of "staging": a file that says so is refused, and so is such a card."""
    known = guarded.worker_context.configuration
    sites = {**known.sites, "staging": Site()}
    changed = known.model_copy(update={"sites": sites, "recovery": Recovery(site="staging", control="production")})
    worker_fixture = replace(guarded, worker_context=replace(guarded.worker_context, configuration=changed))

    run = worker_fixture.go(worker_fixture.declare())

    assert "Where: production" in card(worker_fixture, run)


def test_a_card_says_on_which_engine(guarded: WorkerFixture) -> None:
    """dr.yml may call any engine "production" or "staging"; approvers type only that name."""
    worker_fixture = with_site(guarded, docker=Docker(host="ssh://root@billing-db"))

    run = worker_fixture.go(worker_fixture.declare())

    assert "billing-db" in card(worker_fixture, run)


def test_a_card_names_what_is_in_no_backup(guarded: WorkerFixture) -> None:
    mount = Mount(kind="volume", source="shop_lite", target="/data")
    guarded.target.unnamed = Inventory(services=(KnownService(project="shop", service="lite", mounts=(mount,)),))

    run = guarded.go(guarded.declare())

    assert "In no backup: shop_lite (of shop/lite)." in card(guarded, run)


def test_a_card_says_where_the_backup_lies(guarded: WorkerFixture) -> None:
    """dr.yml may name any folder or bucket, so anybody's dump of that name."""
    first, *others = guarded.target.backups
    guarded.target.backups[:] = [first.model_copy(update={"place": "s3://mallorys-bucket"}), *others]

    run = guarded.go(guarded.declare())

    assert "mallorys-bucket" in card(guarded, run)


def test_a_card_says_to_which_address_users_are_led(guarded: WorkerFixture) -> None:
    worker_fixture = with_dns(with_runbook(guarded, "own.yml", DNS), "203.0.113.66")

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    assert "203.0.113.66" in card(worker_fixture, run)


def test_a_long_list_of_names_does_not_hide_where_they_lead(guarded: WorkerFixture) -> None:
    """dr.yml names sixty; what Slack shows of "where … leads users: to elsewhere" ends before its end."""
    worker_fixture = with_dns(with_runbook(guarded, "own.yml", DNS))
    many = Dns(zone="example.com.", names=tuple(f"service-{number}.example.com" for number in range(60)))
    known = worker_fixture.worker_context.configuration.model_copy(update={"dns": many})
    worker_fixture = replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=known))

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    assert "elsewhere" in json.dumps(table_block(table_for(worker_fixture, run), "en"))


def test_names_that_nobody_has_read_are_not_kept(guarded: WorkerFixture) -> None:
    """A worker whose site has services does not look where the names lead; nothing could lead them back."""
    worker_fixture = with_dns(with_runbook(guarded, "own.yml", DNS))

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    assert "is in the plan: None" not in card(worker_fixture, run)


def test_the_loss_is_of_what_is_replaced(guarded: WorkerFixture) -> None:
    """Redis' volume is replaced; what is counted is PostgreSQL's."""
    guarded.target.volumes["postgres_data"] = "good"
    to_redis = ('with:\n      volume: "${postgres.volume}"', 'with:\n      volume: "${redis.volume}"')
    back = ('with:\n        volume: "${postgres.volume}"', 'with:\n        volume: "${redis.volume}"')
    looks = ('swapped, with: {volume: "${postgres.volume}"', 'swapped, with: {volume: "${redis.volume}"')
    worker_fixture, run = planned(guarded, own("level2-postgres", to_redis, back, looks, ASKS_ALL))

    words = card(worker_fixture, run)

    assert not ("volume redis_data of redis" in words and "held 0 rows more than in the backup" in words), words


def first_transactions(worker_fixture: WorkerFixture, *numbers: int) -> WorkerFixture:
    """Each swap puts another cluster in place, and says its first transaction."""
    left = list(numbers)
    registry = worker_fixture.worker_context.registry
    swap = registry.actions["volume.swap"]

    def counted(context: StepContext, given: Mapping[str, Any]) -> Any:
        done = swap(context, given)
        return replace(done, facts={**done.facts, "next_transaction": left.pop(0)})

    return with_registry(worker_fixture, actions={"volume.swap": counted})


def test_what_an_undo_loses_is_not_counted_by_the_numbers_of_another_cluster(guarded: WorkerFixture) -> None:
    """Two recoveries; the first one's kept data is brought back. Its transaction number is of a cluster that is gone:
    in the one in place (at number 900 when it came) nothing is ever that high, so "0 rows" are lost.
    """
    worker_fixture = first_transactions(guarded, 5_000_000, 900)
    first, oldest = recovered_by_code(worker_fixture)
    recovered_by_code(worker_fixture)
    worker_fixture.target.written = 12
    worker_fixture.target.written_since = lambda transaction, cancelled: Written(  # type: ignore[method-assign]
        rows=12 if transaction <= 900 else 0, bytes=1200 if transaction <= 900 else 0, untouched={"authdb.users": 3}
    )

    run = worker_fixture.go(worker_fixture.queue(first.incident, "level2-undo", RunKind.UNDO, keeper=oldest))

    assert run.plan is not None, run.outcome
    assert ": 0 rows (0 B)" not in loss_text(run.plan.stakes.loss)


SET_ASIDE = """
runbook: own
title: {en: Replace the host}
level: 3
inputs:
  backup: {type: backup, of: full, choose: newest_checked}
steps:
  - id: fetch
    title: {en: Fetch}
    do: backup.fetch
    with: {backup: "${backup}"}
    after: []
    effect: change
    limits: {time: 1h}
    check: [{probe: backup.fetched, with: {backup: "${backup}"}}]
    drill: run
  - id: approval
    title: {en: Two people approve}
    gate: {people: 2, for: [aside], proof: [fetch]}
    after: []
  - id: aside
    title: {en: Aside}
    do: host.set_aside
    with: {services: "${services.all}", keeper: "_before_${run.id}"}
    after: [fetch, approval]
    effect: destroy
    again: never
    limits: {time: 1h}
    check: [{probe: host.empty}]
    if_fails: ask
    interrupt: never
    drill: skip
"""
FOLDER_BACK = """\
  - id: clone
    title: {en: Clone}
    do: repository.clone
    with: {url: "${repository.url}", commit: "${repository.commit}", folder: "${projects}"}
    after: [aside]
    effect: change
    limits: {time: 1h}
    drill: run
  - id: configuration
    title: {en: Configuration}
    do: configuration.restore
    with: {backup: "${backup}", folder: "${projects}"}
    after: [clone]
    effect: change
    limits: {time: 1h}
    drill: run
"""


def test_what_comes_in_place_of_a_host_is_put_there_by_a_step(guarded: WorkerFixture) -> None:
    """Nothing is restored after the host was cleared; the card says "By: the backup"."""
    worker_fixture = with_runbook(guarded, "own.yml", SET_ASIDE)

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    assert "By: the backup" not in card(worker_fixture, run)


def test_a_card_of_a_host_says_what_does_not_come_back_or_may_not_start(guarded: WorkerFixture) -> None:
    """What the system consists of says the backup: a lost host has no engine to ask."""
    lite, stock = (Mount(kind="volume", source=name, target="/data") for name in ("shop_lite", "shop_stock"))
    services = (
        KnownService(project="shop", service="lite", mounts=(lite,)),
        KnownService(project="shop", service="stock", mounts=(stock,), program="mysqld"),
    )
    first, *others = guarded.target.backups
    holds = first.holds.model_copy(update={"inventory": Inventory(services=services)})
    guarded.target.backups[:] = [first.model_copy(update={"holds": holds}), *others]
    worker_fixture = with_site(with_runbook(guarded, "own.yml", SET_ASIDE + FOLDER_BACK), files=("shop_stock",))
    worker_fixture = with_repository(worker_fixture, "a")

    words = card(worker_fixture, worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own")))

    assert "In no backup: shop_lite (of shop/lite). This recovery does not bring them back." in words
    assert "Copied while they write: shop/stock (mysqld). Such a copy may not start." in words


def test_what_lay_among_the_projects_of_the_lost_host_comes_back_into_another_folder(guarded: WorkerFixture) -> None:
    project = next(iter(guarded.worker_context.site.compose_projects()))
    binds = [Mount(kind="bind", source=path, target=path) for path in (f"/lost/{project}/initdb", "/outside")]
    services = (KnownService(project=project, service="db", mounts=tuple(binds)),)
    first, *others = guarded.target.backups
    holds = first.holds.model_copy(update={"inventory": Inventory(services=services)})
    guarded.target.backups[:] = [first.model_copy(update={"holds": holds, "site": "lost"}), *others]
    worker_fixture = with_runbook(guarded, "own.yml", SET_ASIDE + FOLDER_BACK)
    known = worker_fixture.worker_context.configuration
    known = known.model_copy(update={"sites": {**known.sites, "lost": Site(projects=Path("/lost"))}})
    worker_fixture = replace(worker_fixture, worker_context=replace(worker_fixture.worker_context, configuration=known))
    worker_fixture = with_repository(worker_fixture, "a")

    words = card(worker_fixture, worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own")))

    assert f"In no backup: /outside (of {project}/db)." in words


def test_a_host_that_holds_no_volumes_is_not_said_to_lose_what_was_written_after_nothing(
    guarded: WorkerFixture,
) -> None:
    guarded.target.volumes.clear()
    worker_fixture = with_repository(with_runbook(guarded, "own.yml", SET_ASIDE + FOLDER_BACK), "a")

    words = card(worker_fixture, worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own")))

    assert "written after -" not in words
    assert "Data that will be LOST: unknown" in words


def test_a_card_names_everything_that_is_put_aside(guarded: WorkerFixture) -> None:
    """By dr.yml it may be anybody's: exactly what the card names is in the permit."""
    worker_fixture = with_runbook(guarded, "own.yml", SET_ASIDE)

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    words = card(worker_fixture, run)
    assert all(name in words for name in ("auth-1", "postgres_data (1.0 kB)", "redis_data", "/srv/x"))


def test_a_host_that_is_given_up_is_named_as_it_is_kept(guarded: WorkerFixture) -> None:
    """postgres_data is production's; what is deleted is called otherwise, and only that name tells what it is."""
    name = "drbot-kept:auth-1_before_r0"
    kept = {"postgres_data": "postgres_data_before_r0", "/srv/x": "/srv/x_before_r0", "auth-1": name}
    kinds = (OccupantKind.VOLUME, OccupantKind.FOLDER, OccupantKind.CONTAINER)
    guarded.target.aside = tuple(
        Occupant(kind=kind, name=name, identity="1", keeper=keeper, size=1000)
        for kind, (name, keeper) in zip(kinds, kept.items(), strict=True)
    )

    run = guarded.go(guarded.queue(guarded.declare().incident, "kept-give-up-host", RunKind.GIVE_UP, aside="r0"))

    assert run.plan is not None, run.outcome
    words = "; ".join(run.plan.replaces)
    assert all(f": {keeper}, put aside from {name} (" in words for name, keeper in kept.items())


def test_a_host_is_not_put_aside_under_a_name_that_is_not_found_again(guarded: WorkerFixture) -> None:
    worker_fixture = with_runbook(guarded, "own.yml", SET_ASIDE.replace("_before_${run.id}", "_old"))

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    assert run.plan is None
    assert "it would not be found again" in str(run.outcome)


def test_what_dr_yml_says_otherwise_than_when_two_people_agreed_stands_on_the_card(guarded: WorkerFixture) -> None:
    """dr.yml calls every service a front before the plan is made."""
    recovered_by_code(guarded)
    worker_fixture = with_services(guarded, every={"role": "front"})
    worker_fixture, run = planned(worker_fixture, own("level2-postgres"))

    words = card(worker_fixture, run)

    assert "sites production services auth role: app → front" in words


def test_no_role_lets_a_service_write_while_data_is_moved(guarded: WorkerFixture) -> None:
    """dr.yml calls every service a cache: all the same each has to be stopped."""
    worker_fixture = with_services(guarded, every={"role": "cache"})
    one = ('services: ["${services.apps}", "${services.fronts}"]', "services: [admin]")
    worker_fixture, run = planned(worker_fixture, own("level2-postgres", one))

    assert run.plan is None
    assert "moves data while auth, user, front-user, front-admin may write" in str(run.outcome)


def test_a_target_that_changed_is_noticed_although_a_row_says_that_the_step_had_begun(guarded: WorkerFixture) -> None:
    run = approved(guarded)
    guarded.target.moves = 1  # the volume is another one now
    rows(guarded, of(run, "swap").values(attempt=1))

    guarded.go(run)

    assert guarded.target.moves == 1, "swapped although the volume is not the one of the plan"


def test_a_stranger_on_a_volume_of_a_host_that_is_put_aside_is_told_before(guarded: WorkerFixture) -> None:
    """Else two people agree, all containers are removed, and only then the volume cannot be put aside."""
    guarded.target.strangers.append("nightly-export")
    worker_fixture = with_runbook(guarded, "own.yml", SET_ASIDE)

    run = worker_fixture.go(worker_fixture.queue(worker_fixture.declare().incident, "own"))

    assert run.plan is None
    assert "nightly-export also uses the volume postgres_data" in str(run.outcome)
