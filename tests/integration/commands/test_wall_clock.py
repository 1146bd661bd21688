"""People type the time that their clocks show, by every entry; the answer repeats it, and buttons carry the whole."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from drbot.core.approvals.approval import EntryPoint
from drbot.core.text.messages import say
from drbot.store.base.schema import incidents as table
from drbot.store.base.schema import runs
from tests.integration.commands.verb_fixture import CONTINUOUS, VerbFixture, build

TOKYO = ZoneInfo("Asia/Tokyo")
MOMENT = (datetime.now(UTC) - timedelta(hours=3)).replace(microsecond=0)
TYPED = f"{MOMENT.astimezone(TOKYO):%H:%M:%S}"
NAME = f"moment_{MOMENT:%Y%m%d_%H%M%S}"
TOLD = f"{MOMENT.astimezone(TOKYO):%Y-%m-%d %H:%M:%S} JST ({MOMENT:%Y-%m-%d %H:%M:%S} UTC)"
WHOLE = f"{MOMENT:%Y-%m-%dT%H:%M:%S}Z"


@pytest.fixture
def in_tokyo(tmp_path: Path) -> VerbFixture:
    return build(tmp_path, f"time_zone: Asia/Tokyo\n{CONTINUOUS}")


@pytest.mark.parametrize("entry", [EntryPoint.COMMAND, EntryPoint.TERMINAL])
@pytest.mark.parametrize("words", [f"to {TYPED} rows are gone", f"to={TYPED} rows are gone", f"to {TYPED} JST rows"])
def test_declare_goes_back_to_the_moment_that_clocks_showed(
    in_tokyo: VerbFixture, words: str, entry: EntryPoint
) -> None:
    reply = in_tokyo.say("ben", f"declare level2 {words}", entry_point=entry)

    assert in_tokyo.runs()[0].arguments["backup"] == NAME
    assert f"PostgreSQL goes back to {TOLD}." in say(reply.text, "en")
    assert TOLD in say(reply.text, "ja"), "in Japanese too"


def test_an_outage_began_when_clocks_showed_it(in_tokyo: VerbFixture) -> None:
    reply = in_tokyo.say("ben", "declare level1 auth", values={"since": TYPED})

    assert in_tokyo.incident().started_at == MOMENT
    assert f"The outage began on {TOLD}." in say(reply.text, "en")


def test_what_is_asked_again_carries_the_whole_moment(in_tokyo: VerbFixture) -> None:
    in_tokyo.say("ben", "declare level2")

    asked = in_tokyo.say("ben", f"declare level2 to {TYPED} since={TYPED} JST gone")

    assert f"declare level2 since={WHOLE} data=postgres to={WHOLE} gone anyway" in [
        one.command for one in asked.choices
    ]
    in_tokyo.say("ben", "declare level2 anyway")
    which = in_tokyo.say("ben", f"recover to {TYPED}")
    since = in_tokyo.say("aiko", f"since {TYPED} the first failed login")
    assert [one.command for one in which.choices] == [f"recover {name} to={WHOLE}" for name in ("DR-2", "DR-1")]
    assert since.choices[0].command == f"since DR-2 {WHOLE} the first failed login"


def test_recover_and_plan_go_back_to_the_moment_that_clocks_showed(in_tokyo: VerbFixture) -> None:
    in_tokyo.say("aiko", "declare level2 postgres")

    planned = in_tokyo.say("aiko", f"plan DR-1 level2 to {TYPED}")
    with in_tokyo.database.write() as tx:
        tx.connection.execute(update(runs).values(state="failed"))
    recovered = in_tokyo.say("aiko", f"recover DR-1 to {TYPED}")

    assert [run.arguments.get("backup") for run in in_tokyo.runs()] == [None, NAME, NAME]
    assert TOLD in say(planned.text, "en") and TOLD in say(recovered.text, "en")
    assert recovered.in_channel, "everybody reads which moment is meant"


def test_since_corrects_to_the_moment_that_clocks_showed(in_tokyo: VerbFixture) -> None:
    in_tokyo.say("aiko", "declare level1 auth")
    with in_tokyo.database.write() as tx:  # its recovery is over
        tx.connection.execute(update(runs).values(state="failed"))
        tx.connection.execute(update(table).values(started_at=tx.now - timedelta(days=1)))

    reply = in_tokyo.say("aiko", f"since DR-1 {TYPED}")

    assert in_tokyo.incident().started_at == MOMENT
    assert f"the outage began on {TOLD}." in say(reply.text, "en")
