""" "No" to "can users sign in?", as people in Slack see it: stakeholders hear it, the board offers the ways on."""

from drbot.core.runs.incident import UsersSay
from drbot.core.runs.run import Offer, RunState
from drbot.store.records import incidents
from drbot.store.runs import runs
from tests.integration.bot.conftest import Scene
from tests.integration.bot.worker import planned


def test_a_no_reaches_the_stakeholders_and_the_board_offers_the_ways_on(served: Scene) -> None:
    incident = served.declare()
    run = planned(served.database, incident)
    with served.database.write() as tx:
        incidents.recovered(tx, incident.id, run=run.id, rto_seconds=600, rpo_seconds=7200, outage_seconds=9)
    served.message("dr-status", lambda one: "works again" in one["text"], "the good news")

    with served.database.write() as tx:
        incidents.users_say(tx, incident.id, UsersSay.NO, "aiko", run.id)
        runs.next_backup(tx, run, "all_databases_20261125_200000.sql.gz")
        offers = (Offer.RECOVER, Offer.ANOTHER_BACKUP)
        runs.finish(tx, run, RunState.FAILED, "Aiko answered: no.", offers=offers)

    told = served.message("dr-status", lambda one: "does not work yet" in one["text"], "the bad news")
    assert "people cannot work yet" in str(told["blocks"])
    served.message(incident.channel, lambda one: "It is not recovered" in str(one["blocks"]), "the milestone")
    board = served.message(incident.channel, lambda one: "It is level 3" in str(one["blocks"]), "the board")
    assert "users cannot work yet" in board["text"]
    for label in ("Try again", "Another backup"):
        assert label in str(board["blocks"])
    assert "Resolve" not in str(board["blocks"])


def test_a_repair_that_failed_reaches_the_stakeholders_at_once(served: Scene) -> None:
    incident = served.declare()
    run = planned(served.database, incident)
    with served.database.write() as tx:
        incidents.recovering(tx, incident.id, run.id)
    served.message("dr-status", lambda one: "being repaired" in one["text"], "the beginning")

    with served.database.write() as tx:
        runs.finish(tx, run, RunState.FAILED, "The old data is back, and PostgreSQL does not answer.")

    told = served.message("dr-status", lambda one: "decision by our team" in str(one["blocks"]), "how it stands")
    assert "works again" not in told["text"]
