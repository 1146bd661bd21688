"""`/dr readiness` says what workers saw, the worst first, and takes no silence for health."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from drbot.core.site.readiness import EVERY_SECONDS, Colour, Line, bad, good, soon
from drbot.core.text.messages import say
from drbot.store.base.schema import readiness as rows
from drbot.store.records import readiness
from tests.integration.commands.verb_fixture import DR_YML, VerbFixture, build

VOLUMES = good("production: volumes", "there")
OLD = soon("full backup", "it is 5 h old", "The next one must end by 04:10.")
GONE = bad("production: services", "auth does not answer", "Fix it.")


def saw(verb_fixture: VerbFixture, *lines: Line) -> None:
    with verb_fixture.database.write() as tx:
        readiness.saw(tx, "production", lines)


def shown(verb_fixture: VerbFixture, words: str = "readiness") -> tuple[str, list[str]]:
    reply = verb_fixture.say("dan", words)
    names = [say(row[1], "en") for table in reply.tables for row in table.rows]
    return say(reply.text, "en"), names


def test_what_would_fail_comes_first_and_what_would_do_is_only_counted(verb_fixture: VerbFixture) -> None:
    saw(verb_fixture, VOLUMES, OLD, GONE)

    text, names = shown(verb_fixture)

    assert text.startswith("🔴 Not ready: 1 of 3 are in the way of a recovery. Looked at")
    assert names == ["production: services", "full backup"]
    assert shown(verb_fixture, "readiness all")[1] == [*names, "production: volumes"]


@pytest.mark.parametrize(
    ("lines", "said"), [((VOLUMES,), "🟢 Ready: all 1 would do tonight."), ((VOLUMES, OLD), "🟡 Ready, with 1 of 2")]
)
def test_the_whole_is_one_sentence(verb_fixture: VerbFixture, lines: tuple[Line, ...], said: str) -> None:
    saw(verb_fixture, *lines)

    assert shown(verb_fixture)[0].startswith(said)


def test_a_worker_that_never_looked_or_stopped_looking_is_told(verb_fixture: VerbFixture) -> None:
    assert "worker of production" in shown(verb_fixture)[1]
    saw(verb_fixture, VOLUMES)
    assert "worker of production" not in shown(verb_fixture)[1]

    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(rows).values(looked_at=tx.now - timedelta(seconds=3 * EVERY_SECONDS)))

    assert "worker of production" in shown(verb_fixture)[1]
    reply = verb_fixture.say("dan", "readiness")
    assert "it last looked 15 min ago" in str(reply.tables[0].rows)


def test_a_bot_that_stopped_looking_is_told_and_an_old_word_of_whom_nobody_expects_is_none(
    verb_fixture: VerbFixture,
) -> None:
    saw(verb_fixture, VOLUMES)
    with verb_fixture.database.write() as tx:
        readiness.saw(tx, readiness.SLACK, [good("Slack: scopes", "all granted")])
        readiness.saw(tx, "rented", [good("rented: volumes", "there")])
    assert {"Slack: scopes", "rented: volumes"} <= set(shown(verb_fixture, "readiness all")[1])

    with verb_fixture.database.write() as tx:
        old = update(rows).where(rows.c.source != "production")
        tx.connection.execute(old.values(looked_at=tx.now - timedelta(seconds=3 * EVERY_SECONDS)))

    assert shown(verb_fixture)[1] == ["bot"]
    assert "rented: volumes" not in shown(verb_fixture, "readiness all")[1]


def test_what_stays_as_it_was_has_been_so_since_then(verb_fixture: VerbFixture) -> None:
    saw(verb_fixture, GONE, VOLUMES)
    with verb_fixture.database.write() as tx:
        tx.connection.execute(update(rows).values(since=tx.now - timedelta(days=2)))
    saw(verb_fixture, GONE, bad(VOLUMES.what, "gone", "Make it."))

    with verb_fixture.database.read() as connection:
        seen = {one.line.what: one for one in readiness.list_of(connection)}

    assert seen[GONE.what].since < seen[VOLUMES.what].since == seen[VOLUMES.what].looked_at
    assert [one.line.reason for one in seen.values()] == ["auth does not answer", "gone"]


def test_all_that_is_said_of_one_thing_is_told_in_the_worst_colour(verb_fixture: VerbFixture) -> None:
    """A service that its compose file does not describe, and that nothing watches: the second hid the first."""
    web = "production: web"
    lines = bad(web, "shop describes no service web", "Correct it."), soon(web, "nothing watches it", "Watch it.")
    saw(verb_fixture, *lines, good(web, "there"))

    text, names = shown(verb_fixture)

    with verb_fixture.database.read() as connection:
        (seen,) = readiness.list_of(connection)
    assert seen.line.colour is Colour.RED
    assert seen.line.sentence == "shop describes no service web; nothing watches it. Correct it. Watch it."
    assert "Not ready: 1 of 1" in text and names == [web]


def test_a_person_whom_dr_yml_leaves_out_is_a_red_line(tmp_path: Path) -> None:
    """A name that nobody can be shown by: approvers may be too few tonight."""
    people = build(tmp_path, DR_YML + "  fay x: {name: Fay, slack: [U7], roles: [approver]}\n")

    text, names = shown(people)

    assert text.startswith("🔴 Not ready") and "dr.yml" in names
    assert people.context.roster.person("fay x") is None
