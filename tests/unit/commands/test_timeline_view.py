"""People choose a moment by what happened: each row can be typed, and no name can draw what is not there."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from drbot.bot.blocks.reply import reply_pages
from drbot.commands.facts.moment_read import WallClock, moment_of
from drbot.commands.views.timeline_view import timeline_reply
from drbot.core.site.wal_timeline import Event, Timeline, What
from drbot.core.text.messages import phrase, say

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def deleted(minute: float = 30, **changes: object) -> Event:
    at = NINE + timedelta(minutes=minute, milliseconds=250)
    values = {"what": What.DELETE, "rows": 1500, "names": ("public.orders",), "moment": at - timedelta(microseconds=1)}
    return Event(at=at, **(values | changes))  # type: ignore[arg-type]


def timeline(*events: Event, **changes: object) -> Timeline:
    values = {"minutes": {NINE: 60, NINE + timedelta(minutes=30): 120}, "events": events}
    return Timeline(since=NINE, until=NINE + timedelta(hours=1), **(values | changes))  # type: ignore[arg-type]


def test_the_moment_before_is_a_command_that_means_that_moment() -> None:
    event, moment = deleted(), "2026-03-02T09:30:00.249999Z"
    reply = timeline_reply(timeline(event), "site=west ")

    assert f"/dr declare level2 site=west to {moment}" in reply.text
    assert f"drbot copy --to {moment}" in reply.text
    assert [one.command for one in reply.choices] == [f"plan site=west level2 to {moment}"]
    assert moment_of(moment, WallClock(NINE + timedelta(hours=2), ZoneInfo("Asia/Tokyo")), "") == event.moment
    assert ("2026-03-02 09:30:00.250", "1,500 rows deleted", "public.orders", moment) in reply.tables[1].rows


def test_with_a_database_the_commit_before_it_is_lost_which_is_told() -> None:
    (row,) = timeline_reply(timeline(deleted(what=What.DATABASE))).tables[1].rows

    assert row[3] == "2026-03-02T09:30:00.249999Z; the commit before it is lost too"


def test_a_moment_that_cannot_be_reached_is_no_command() -> None:
    reply = timeline_reply(timeline(deleted(reachable=False)))

    assert reply.choices == () and "declare" not in reply.text
    assert reply.tables[1].rows[0][3] == "cannot be reached"


def test_bars_are_as_high_as_the_commits_are_many_and_one_commit_is_seen() -> None:
    ((_, bars), (_, most)) = (
        timeline_reply(timeline(minutes={NINE: 1, NINE + timedelta(minutes=59): 1000})).tables[0].rows
    )

    assert (bars[0], bars[1], bars[-1]) == ("▁", "·", "█")
    assert most == "1,000 at 09:59"


def test_without_a_commit_there_is_a_picture_still() -> None:
    reply = timeline_reply(timeline(minutes={}))

    assert "0 commits. Nothing that deleted or changed much was found." in reply.text
    assert set(reply.tables[0].rows[0][1]) == {"·"}


def test_five_buttons_of_the_newest_and_no_moment_twice() -> None:
    commands = [one.command for one in timeline_reply(timeline(*map(deleted, (1, 1, 2, 3, 4, 5, 6)))).choices]

    assert [one[-14:-8] for one in commands] == [":06:00", ":05:00", ":04:00", ":03:00", ":02:00"]


def test_a_name_stays_one_line_and_is_no_syntax_of_slack() -> None:
    reply = timeline_reply(timeline(deleted(names=("public.evil\n\t\x1b[2J\u202e<!channel>",))))

    assert reply.tables[1].rows[0][2] == "public.evil\\n\\t\\u001b[2J\\u202e<!channel>"
    shown = str(reply_pages(reply, "en"))
    assert "<!channel>" not in shown and "\x1b" not in shown


def test_a_worker_hands_it_on_as_it_is() -> None:
    adapter = TypeAdapter(Timeline)
    made = timeline(deleted(), doubts=(phrase("{count} older ones: /dr backups all", count=3),))

    read = adapter.validate_python(adapter.dump_python(made, mode="json"))

    assert read == made
    assert say(read.doubts[0], "ja") == say(made.doubts[0], "ja") != made.doubts[0]
