"""What of a system comes back from a backup: by the steps, and by what the backup is known to hold."""

from pathlib import Path

import pytest

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.brought_back import not_raised, put_aside_for_good
from drbot.core.runs.plan import Holds
from drbot.core.site.site import Postgres, Redis, Site

SITE = Site(
    projects=Path("/srv/shop"),
    postgres=Postgres(volume="pgdata", databases=("shop",)),
    redis=Redis(volume="cache"),
    files=("uploads", "web/pictures"),
)
VOLUMES = ("pgdata", "cache", "uploads")
ALL = Holds(redis=True, configuration=True, files=SITE.files)


def step(name: str, does: str, after: tuple[str, ...], **with_: str) -> Step:
    return Step.model_validate(
        {"id": name, "title": {"en": name}, "do": does, "with": with_, "after": list(after), "effect": "change"}
    )


STEPS = (
    step("aside", "host.set_aside", ()),
    step("clone", "repository.clone", ("aside",)),
    step("settings", "configuration.restore", ("clone",)),
    step("postgres", "postgres.restore", ("settings",), volume="pgdata"),
    step("redis", "redis.restore", ("settings",), volume="cache"),
    step("files", "files.restore", ("settings",)),
)


def without(name: str) -> tuple[Step, ...]:
    return tuple(one for one in STEPS if one.id != name)


def test_all_comes_back_from_a_whole_backup_by_all_steps() -> None:
    assert put_aside_for_good(STEPS, SITE, VOLUMES, ALL) == ()


@pytest.mark.parametrize(
    ("holds", "gone"),
    [
        (Holds(configuration=True, files=SITE.files), ("cache",)),
        (Holds(redis=True, configuration=True), ("uploads", "web/pictures")),
        (Holds(redis=True, files=SITE.files), ("/srv/shop",)),
    ],
)
def test_what_the_backup_does_not_hold_does_not_come_back(holds: Holds, gone: tuple[str, ...]) -> None:
    assert put_aside_for_good(STEPS, SITE, VOLUMES, holds) == gone


@pytest.mark.parametrize(
    ("name", "gone"), [("files", ("uploads", "web/pictures")), ("redis", ("cache",)), ("postgres", ("pgdata",))]
)
def test_what_no_step_puts_back_or_one_that_may_fail_does_not_come_back(name: str, gone: tuple[str, ...]) -> None:
    may_fail = tuple(one.model_copy(update={"if_fails": "continue"}) if one.id == name else one for one in STEPS)

    assert put_aside_for_good(without(name), SITE, VOLUMES, ALL) == gone
    assert put_aside_for_good(may_fail, SITE, VOLUMES, ALL) == gone


@pytest.mark.parametrize(
    ("there", "holds", "gone"),
    [
        (SITE, ALL, ()),
        (SITE, Holds(files=("uploads",)), ("cache", "web/pictures")),
        (SITE.model_copy(update={"redis": None, "files": ()}), ALL, ("cache", "uploads", "web/pictures")),
        (SITE.model_copy(update={"postgres": None}), ALL, ("pgdata",)),
    ],
)
def test_a_new_place_has_what_it_describes_and_the_backup_holds(
    there: Site, holds: Holds, gone: tuple[str, ...]
) -> None:
    assert not_raised(SITE, there, holds) == gone
