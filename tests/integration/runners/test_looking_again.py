"""What ends a recovery, a drill or a doubt is seen in the answer soon after it, and not five minutes later."""

from dataclasses import replace
from datetime import timedelta

from drbot.core.ledger.policy import document_of
from drbot.core.site.confirmations import Subject
from drbot.core.site.people import roster_of
from drbot.core.site.readiness import Colour
from drbot.core.site.site import Approvals, Site
from drbot.core.text.messages import say
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.readiness_keeper import EVERY, Looking, look
from drbot.runners.upkeep.scheduled_drills import drill_lines
from drbot.store.records import confirmations, readiness
from drbot.store.records.rosters import Rosters, settle
from tests.integration.runners.worker_fixture import WorkerFixture
from tests.integration.store.store_fixture import ClockedDatabase

A_MOMENT = timedelta(seconds=10)


def test_it_looks_at_once_and_then_every_five_minutes(database: ClockedDatabase) -> None:
    looks: list[str] = []
    looking = Looking(database=database, look=lambda: looks.append("look"))

    looking.look_if_due()
    database.moment += A_MOMENT
    looking.look_if_due()
    assert len(looks) == 1
    database.moment += EVERY
    looking.look_if_due()

    assert len(looks) == 2


def test_it_looks_again_when_something_ended_that_changes_the_answer(database: ClockedDatabase) -> None:
    looks: list[str] = []
    looking = Looking(database=database, look=lambda: looks.append("look"))
    looking.look_if_due()
    database.moment += A_MOMENT
    with database.write() as tx:
        confirmations.said(tx, Subject.ROSTER, "aiko")
    database.moment += A_MOMENT

    looking.look_if_due()
    looking.look_if_due()

    assert len(looks) == 2


def test_the_second_factor_is_judged_by_the_roster_in_force_and_not_by_what_dr_yml_proposes(
    worker_fixture: WorkerFixture,
) -> None:
    context = worker_fixture.worker_context
    given = context.configuration.model_copy(update={"sites": {"production": Site()}})
    in_force = given.model_copy(update={"approvals": Approvals(second_factor="totp")})
    with context.database.write() as tx:
        settle(tx, Rosters(context.roster, in_force.approvals), document_of(in_force), "terminal")
    TotpSecrets(context.home).key()
    proposed = roster_of(given.people, given.approvals)
    assert proposed.second_factor == "none"

    look(replace(context, configuration=given, roster=proposed, rosters=Rosters(proposed, given.approvals)))

    with context.database.read() as connection:
        (line,) = (one.line for one in readiness.list_of(connection) if one.line.what == "second factor")
    assert line.colour is Colour.RED and "no authenticator" in line.sentence


def test_a_drill_of_level_3_is_asked_for_also_where_dr_yml_names_no_other_place(
    worker_fixture: WorkerFixture,
) -> None:
    context = worker_fixture.worker_context
    assert context.configuration.recovery is None

    with context.database.read() as connection:
        lines = list(drill_lines(connection, context.configuration, context.database.now(connection)))

    assert [say(line.what, "en") for line in lines] == [f"drill of level {level}" for level in (1, 2, 3)]
    assert "drbot drill level3" in lines[-1].remedy
