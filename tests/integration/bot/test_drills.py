"""A drill that begins by itself is told beforehand, once, however many bots there are; so is that it was put off. The
trend of drills is a picture for whoever asks.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from drbot.bot.outbound.drill_notices import DrillNotices
from drbot.bot.outbound.messenger import Messenger
from drbot.bot.slack_api.rate_limiter import RateLimiter
from drbot.bot.slack_api.slack import Slack, SlackDownError, client_of
from drbot.commands.facts.context import context_of
from drbot.core.base.cron import Calendar
from drbot.core.runs.drill import DrillEnd, routine_of
from drbot.core.site.configuration import Loaded
from drbot.core.site.level import Level
from drbot.core.site.site import Drills, ObjectStore, Postgres
from drbot.store.base.schema import routines as routines_table
from drbot.store.records import drills, incidents, routines
from drbot.store.records.routines import Routine
from tests.integration.bot.conftest import PATIENCE, Message, Scene
from tests.waiting import wait_for

MONTHLY, HOURLY = Calendar(expression="0 9 1 * *"), Calendar(expression="0 * * * *")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def planned(scene: Scene, calendar: Calendar = MONTHLY) -> datetime:
    """When level 2 begins, as its worker has planned."""
    with scene.database.write() as tx:
        routines.plan(tx, routine_of(Level.DATABASE), calendar)
    return row(scene).due_at


def row(scene: Scene) -> Routine:
    with scene.database.read() as connection:
        found = routines.get(connection, routine_of(Level.DATABASE))
    assert found is not None
    return found


def put_off(scene: Scene) -> None:
    with scene.database.write() as tx:
        assert routines.skip(tx, row(scene), "ben")


def notices(scene: Scene, owner: str = "a bot", *, store: ObjectStore | None = None, **drills: object) -> DrillNotices:
    known = scene.process.loaded.configuration
    site = known.site().model_copy(update={"postgres": Postgres(service="auth", volume="rows", databases=("shop",))})
    sites = {known.default_site: site}
    changed = known.model_copy(update={"drills": Drills.model_validate(drills), "object_store": store, "sites": sites})
    context = context_of(scene.database, scene.process.doorbell, Loaded(configuration=changed))
    return DrillNotices(context, Messenger(Slack(client_of(scene.settings), RateLimiter()), scene.database), owner)


def at_home(scene: Scene) -> list[Message]:
    return scene.messages("dr-ops")


def test_it_is_told_a_day_before_with_what_happens_and_how_to_put_it_off(scene: Scene) -> None:
    due = planned(scene)
    notices(scene).look(due - DAY - HOUR)
    assert at_home(scene) == []

    notices(scene).look(due - DAY + HOUR)

    (message,) = at_home(scene)
    assert f"A drill of level 2 begins by itself at {due:%Y-%m-%d} 09:00 UTC" in message["text"]
    shown = str(message["blocks"])
    assert "Production is only read" in shown and "Nobody is asked" in shown
    assert "/dr drill skip level2" in shown and f"due at {MONTHLY.after(due):%Y-%m-%d} 09:00 UTC" in shown


def test_that_the_last_one_did_not_begin_is_told_with_the_next(scene: Scene) -> None:
    due = planned(scene)
    with scene.database.write() as tx:
        tx.connection.execute(update(routines_table).values(fault="the disk is full"))

    notices(scene).look(due - HOUR)

    (message,) = at_home(scene)
    assert "The last one did not begin: the disk is full." in str(message["blocks"])


def test_that_the_last_one_did_not_pass_is_told_with_the_next(scene: Scene) -> None:
    due = planned(scene)
    number = held(scene, DrillEnd.FAILED)

    notices(scene).look(due - HOUR)

    (message,) = at_home(scene)
    assert f"The last one, DRILL-{number}, did not pass: ✗ not recovered." in str(message["blocks"])


@pytest.mark.parametrize(("level", "told"), [(Level.DATABASE, False), (Level.HOST, True)])
def test_what_its_worker_needs_is_told_before_it_refuses(scene: Scene, level: Level, told: bool) -> None:
    """Of a level that starts what a full backup in a bucket says."""
    with scene.database.write() as tx:
        routines.plan(tx, routine_of(level), MONTHLY)
        found = routines.get(tx.connection, routine_of(level))
    assert found is not None

    notices(scene, store=ObjectStore(bucket="backups")).look(found.due_at - HOUR)

    (message,) = at_home(scene)
    assert ("needs RESTIC_PASSWORD" in str(message["blocks"])) is told


def test_two_bots_tell_it_once_and_never_after_it_has_begun(scene: Scene) -> None:
    due = planned(scene)
    for owner, before in (("one", 20 * HOUR), ("two", 20 * HOUR), ("one", 10 * HOUR), ("one", -HOUR)):
        notices(scene, owner).look(due - before)

    assert len(at_home(scene)) == 1


def test_a_bot_that_died_after_it_had_posted_is_not_followed_by_a_second_post(scene: Scene) -> None:
    due = planned(scene)
    scene.people.set_faults(lost_answers={"chat.postMessage": 1})
    with suppress(SlackDownError):
        notices(scene).look(due - HOUR)

    notices(scene).look(due - HOUR)

    assert len(at_home(scene)) == 1


@pytest.mark.parametrize(
    ("calendar", "notice", "before", "told"),
    [
        (MONTHLY, "3d", 2 * DAY, True),
        (MONTHLY, "2h", 3 * HOUR, False),
        (MONTHLY, "0s", timedelta(minutes=1), False),
        (HOURLY, "24h", timedelta(minutes=40), False),
        (HOURLY, "24h", timedelta(minutes=20), True),
    ],
    ids=["earlier", "not yet", "not at all", "often: not yet", "often: half the time between"],
)
def test_dr_yml_says_how_long_before(
    scene: Scene, calendar: Calendar, notice: str, before: timedelta, told: bool
) -> None:
    due = planned(scene, calendar)

    notices(scene, notice=notice).look(due - before)

    assert bool(at_home(scene)) is told


def test_that_it_was_put_off_is_told_below_the_notice_once(scene: Scene) -> None:
    due = planned(scene)
    notices(scene).look(due - 3 * HOUR)
    put_off(scene)

    for hours in (2, 1):
        notices(scene).look(due - hours * HOUR)

    notice, told = at_home(scene)
    assert told["thread_ts"] == notice["ts"]
    assert "begins by itself" not in str(notice) and "Skip this one" not in str(notice)
    assert f"Ben has put it off: no drill of level 2 at {due:%Y-%m-%d} 09:00 UTC" in told["text"]


def test_one_that_was_put_off_before_is_told_in_place_of_the_notice(scene: Scene) -> None:
    due = planned(scene)
    put_off(scene)

    notices(scene).look(due - HOUR)

    (told,) = at_home(scene)
    assert "Ben has put it off" in told["text"]


def test_one_tap_puts_it_off(scene: Scene) -> None:
    due = planned(scene)
    assert due > datetime.now(UTC)
    notices(scene).look(due - HOUR)
    (message,) = at_home(scene)
    scene.start_bot()
    scene.people.wait_for_connection()

    assert scene.people.click("U00BEN", message, "do:0").acknowledged

    wait_for(lambda: row(scene).is_skipped, PATIENCE, "the drill to be put off")
    assert row(scene).skipped_by == "ben"


def held(scene: Scene, end: DrillEnd = DrillEnd.PASSED) -> int:
    """One drill of level 2, and how it ended."""
    with scene.database.write() as tx:
        number = drills.ask(tx, Level.DATABASE, site="production", service=None, person="aiko", rehearsed=True).id
        drill = drills.get(tx.connection, number)
        assert drill is not None
        drills.end(tx, replace(drill, end=end, rto_seconds=40.0))
        incidents.resolve(tx, number, "aiko", "done")
    return number


def test_the_trend_comes_as_a_picture_to_whoever_asks(served: Scene) -> None:
    held(served)

    assert served.people.command("U00DAN", "dr-ops", "/dr drills picture").acknowledged

    def picture() -> Message | None:
        channels = [one["id"] for one in served.people.channels("U00DAN") if one.get("is_im")]
        found = [one for channel in channels for one in served.people.messages(channel, "U00DAN") if one["files"]]
        return found[0] if found else None

    message = wait_for(picture, PATIENCE, "the picture")
    assert message is not None
    assert "How long the recoveries" in message["text"]
    assert served.people.file(message["files"][0]).startswith(b"\x89PNG")
