"""What an act does, what takes it back, and what runs since."""

from drbot.core.runbooks.effects import started_before
from drbot.core.runbooks.runbook import Step

LIMITS = {"time": "1m"}


def step(name: str, do: str, services: str, after: list[str]) -> Step:
    made = {"id": name, "title": {"en": name}, "do": do, "with": {"services": services}, "after": after}
    return Step.model_validate({**made, "limits": LIMITS, "drill": "skip"})


def running(before: str, *steps: Step, done: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found = {one.id: one for one in steps}
    return {start.id: services for start, services in started_before(found[before], steps, done)}


def test_only_what_a_step_comes_after_and_what_is_done_counts() -> None:
    stores, apps = step("stores", "compose.start", "pg, redis", []), step("apps", "compose.start", "auth", [])
    look = step("look", "health.wait", "pg", ["stores"])

    assert running("look", stores, apps, look, done=("stores", "apps")) == {"stores": ("pg", "redis")}
    assert running("look", stores, apps, look, done=()) == {}


def test_what_a_later_step_stops_stays_stopped() -> None:
    start, stop = step("start", "compose.start", "pg, redis", []), step("stop", "compose.stop", "pg", ["start"])
    beside = step("beside", "health.wait", "redis", ["start"])
    again = step("again", "compose.start", "pg", ["stop"])
    look = step("look", "health.wait", "pg", ["again"])
    steps = (start, stop, beside, again, look)

    assert running("beside", *steps, done=("start",)) == {"start": ("redis",)}
    assert running("stop", *steps, done=("start",)) == {"start": ("redis",)}
    assert running("look", *steps, done=("start", "stop", "again")) == {"start": ("redis",), "again": ("pg",)}
