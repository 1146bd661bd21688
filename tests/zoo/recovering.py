"""An animal through real incidents in a local Slack: declared, planned, voted by two, recovered and undone.

What came of it is compared with our own checksums; no word of drbot's counts for that.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from drbot.cli.demo_player import DemoPlayer, StoryError
from drbot.core.runs.incident import Incident
from drbot.core.runs.run import Run, RunKind, RunState
from drbot.lab.images import SYSTEM_IMAGES
from drbot.lab.second_engine import SecondEngine
from drbot.lab.sites import link, socket_of
from tests.story.demo_stacks import playing_in
from tests.story.people import next_question, said
from tests.zoo.animals import Animal
from tests.zoo.backed_up import PASSWORD
from tests.zoo.breaking import file_mounts, kill_service, lose, lose_host, site_of, store_mounts
from tests.zoo.checksums import Checksums, Mounted, checksums, mounts
from tests.zoo.images import RECIPES
from tests.zoo.keeper import NUMBER, SERVICE, Kept, containers
from tests.zoo.levels import Outcome, attempt, write_configuration
from tests.zoo.zoo import Zoo

PATIENCE_SECONDS = 240
LOST = "LOST: "  # begins what is said where data is missing and nobody was told: there is no excuse for it
MADE = ("backup postgres", "backup full")
INCIDENTS = ("level 1", "level 2 postgres", "undo postgres", "level 2 redis", "undo redis", "level 2 files",
             "undo files", "level 3")  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """It works, holds data, has backups, and drbot stands outside of it and runs."""

    kept: Kept
    player: DemoPlayer
    whole: Checksums  # when it was backed up
    shape: Mapping[str, str]  # the same of its containers
    second: SecondEngine
    socket: Path
    unmade: str  # why there is no backup, in drbot's words; "" where there is one

    @property
    def recovered(self) -> Kept:
        """The same on the new host."""
        return replace(self.kept, host=self.second.host)


@contextmanager
def scene(zoo: Zoo, animal: Animal, second: SecondEngine, *, receives: bool = False) -> Iterator[Scene]:
    """At the end drbot is ended, and nothing of the animal is on either host. `receives`: with `continuous`."""
    with zoo.keeping(animal) as kept, kept.quiet():
        socket = kept.folder / "drbot" / "host.sock"
        socket.parent.mkdir(exist_ok=True)
        link(kept.host, socket)
        second.start()
        second.prestage(kept.host, (*SYSTEM_IMAGES, *RECIPES))
        seen_from_outside = replace(kept, host=socket_of(socket, kept.host))
        configuration = write_configuration(seen_from_outside, second.host, receives=receives)
        whole, shape = seen(kept), shape_of(kept)
        made = [attempt(kept, one) for one in MADE if one != "backup postgres" or store_mounts(kept, "postgres")]
        environment = {"RESTIC_PASSWORD": PASSWORD}
        try:
            with playing_in(kept.folder / "drbot" / "home", configuration, environment, PATIENCE_SECONDS) as player:
                player.stack.start("drbot", "all")
                player.stack.people.wait_for_connection()
                yield Scene(
                    kept=kept, player=player, whole=whole, shape=shape, second=second, socket=socket,
                    unmade=next((one.said for one in made if not one.passed), ""),
                )  # fmt: skip
        finally:
            remove_receivers(kept)
            replace(kept, host=second.host).remove_things()


def remove_receivers(kept: Kept) -> None:
    """What `continuous` has made beside it; the volumes go with its own."""
    with kept.client() as client:
        for one in client.containers.list(all=True, filters={"label": "drbot.continuous"}, ignore_removed=True):
            if any(kept.name in str(mount.get("Source")) for mount in one.attrs.get("Mounts") or ()):
                one.remove(force=True, v=True)


def seen(kept: Kept) -> Checksums:
    """While nothing writes, and without what is written as soon as something does."""
    kept.stop_writers()
    found = {
        where: {thing: one for thing, one in things.items() if not any(word in thing for word in kept.animal.written)}
        for where, things in checksums(kept).found.items()
    }
    return Checksums(found=found)


def shape_of(kept: Kept) -> dict[str, str]:
    """Container → whether it runs, or how it ended and what it said: what has run to its end did so once."""
    with kept.client() as client:
        return {
            f"{one.labels[SERVICE]}.{one.labels.get(NUMBER, '1')}": one.status
            if one.status != "exited" or one.labels[SERVICE] in kept.animal.writers
            else f"exited {one.attrs['State']['ExitCode']} {one.logs().decode()}"
            for one in containers(client, kept)
        }


def incidents(of: Scene) -> Iterator[Outcome]:
    """One after another, the host's loss last: what an undo has brought back stays broken until then."""
    yield _service_lost(of)
    losses = {kind: {kind: lost[0]} for kind in ("postgres", "redis") if (lost := store_mounts(of.kept, kind))}
    if files := file_mounts(of.kept):
        losses["files"] = {f"files {name}": lost for name, lost in files.items()}
    if of.unmade:
        for tried in (*(f"level 2 {what}" for what in losses), "level 3"):
            yield Outcome(animal=of.kept.animal.name, tried=tried, passed=False, said=of.unmade, seconds=0.0)
        return
    for what, one in losses.items():
        yield from _data_lost(of, what, one)
    yield _host_lost(of)


def _service_lost(of: Scene) -> Outcome:
    """Of the service that people open."""
    began, before = time.monotonic(), seen(of.kept)
    name, service = next((name, one) for name, one in site_of(of.kept)["services"].items() if one["role"] == "front")
    kill_service(of.kept, service["service"])
    run = recovered(of, f"level1 {name}: nobody can open it")
    return _outcome(of, "level 1", began, run, different(before, seen(of.kept)))


def _data_lost(of: Scene, what: str, losses: Mapping[str, Mounted]) -> Iterator[Outcome]:
    """Each of these is lost, recovered and brought back as it was broken."""
    found, undoing = list[Outcome](), list[Outcome]()
    for words, lost in losses.items():
        began = time.monotonic()
        lose(of.kept, lost)
        broken = seen(of.kept)
        same = [one.key for one in mounts(of.kept) if one.source == lost.source]  # others may have it mounted too
        whole = Checksums(found={**broken.found, **{key: of.whole.found[key] for key in same}})
        run = recovered(of, f"level2 {words}")
        succeeded = run.state is RunState.SUCCEEDED
        now = seen(of.kept)
        found.append(_outcome(of, f"level 2 {what}", began, run, different(whole if succeeded else broken, now)))
        if not succeeded:
            continue
        began, run = time.monotonic(), undone(of, of.player.incident(run.incident))
        undoing.append(_outcome(of, f"undo {what}", began, run, different(broken, seen(of.kept))))
        resolve(of, run)
    yield from (together(all_of_it) for all_of_it in (found, undoing) if all_of_it)


def _host_lost(of: Scene) -> Outcome:
    """What no backup held is no fault where the plan has told it by name."""
    there = mounts(of.kept)
    lose_host(of.kept, of.socket)
    began = time.monotonic()
    run = recovered(of, "level3 the server does not answer")
    if run.state is not RunState.SUCCEEDED:
        left = [f"{one.source} is on the new host" for one in mounts(of.recovered)]
        return _outcome(of, "level 3", began, run, left if run.plan is None else [])
    of.recovered.wait_until_well()
    now, warned = (
        seen(of.recovered),
        next((str(one) for one in run.plan.warnings if "In no backup" in one), "") if run.plan else "",
    )
    told = {one.key for one in there if name_of(of.kept, one) in warned or f"/{one.container}:{one.place}" in warned}
    kept = Checksums(found={key: things for key, things in of.whole.found.items() if key not in told})
    wrong = kept.lost(now) + [f"{key} is not there" for key in of.whole.found.keys() - now.found.keys()]
    wrong += [f"{name} is {now_is}, was {was}" for name, was, now_is in changed(of.shape, shape_of(of.recovered))]
    missing = told & {line.split(": ")[0] for line in of.whole.lost(now)}
    found = _outcome(of, "level 3", began, run, wrong)
    return replace(found, passed=False, said=_shown(of, warned)) if found.passed and missing else found


def name_of(kept: Kept, one: Mounted) -> str:
    """As drbot says it."""
    return one.source.removeprefix(f"{kept.projects}/")


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[tuple[str, str, str]]:
    names = sorted({*before, *now})
    pairs = ((name, before.get(name, "not there"), now.get(name, "not there")) for name in names)
    return [(name, was, now_is) for name, was, now_is in pairs if was != now_is]


def different(expected: Checksums, now: Checksums) -> list[str]:
    """Nothing less, and nothing more."""
    return expected.lost(now) + [f"since then: {line}" for line in now.lost(expected)]


def recovered(of: Scene, words: str) -> Run:
    """Aiko declares; two agree to what they are asked; Aiko says that users can work. What cannot go on is resolved."""
    incident = of.player.declare("aiko", words)
    of.player.wait(lambda: of.player.runs(incident), f"a run of {incident.name}")
    run = next_question(of.player, incident)
    if words.startswith("level1") or run.state is not RunState.SUCCEEDED:
        resolve(of, run)
    return run


def undone(of: Scene, incident: Incident) -> Run:
    of.player.say("aiko", f"/dr undo {incident.name}", incident.channel or "")
    of.player.wait(lambda: of.player.run(incident).kind is RunKind.UNDO, f"the run that undoes {incident.name}")
    return next_question(of.player, incident)


def resolve(of: Scene, run: Run) -> None:
    """The next one may come."""
    incident = of.player.incident(run.incident)
    if run.state is RunState.NEEDS_DECISION:
        of.player.say("aiko", f"/dr stop {incident.name} nobody knows how to go on", incident.channel or "")
        of.player.wait(lambda: of.player.run(incident).is_over, f"{incident.name} to stop")
    how = "users-can-work that was it" if run.state is RunState.SUCCEEDED else "not-repaired"  # as was looked at
    of.player.say("aiko", f"/dr resolve {incident.name} {how}", incident.channel or "")
    try:
        of.player.wait(lambda: not of.player.incident(incident.id).is_open, f"{incident.name} to be resolved", 30)
    except StoryError as error:
        shown = [one["text"] for one in of.player.messages(incident)][-3:]
        raise StoryError(f"{error} {of.player.describe(incident)} {shown}") from error


def _outcome(of: Scene, tried: str, began: float, run: Run, wrong: Sequence[str]) -> Outcome:
    """It succeeded with everything there, or nothing was touched and it was said why."""
    text = "" if run.state is RunState.SUCCEEDED else f"{run.state.value}: {said(of.player, run)}"
    if wrong:
        text = f"{LOST}{len(wrong)}, such as {wrong[0]}; {text}"
    seconds = round(time.monotonic() - began, 1)
    return Outcome(animal=of.kept.animal.name, tried=tried, passed=not text, said=_shown(of, text), seconds=seconds)


def _shown(of: Scene, text: str) -> str:
    """The same on every machine."""
    for word, shown in ((str(of.kept.folder), "…"), (of.kept.name, of.kept.animal.name)):
        text = text.replace(word, shown)
    return re.sub(r"r\d+-\d{8}-\d{6}-\w{4}|\d{8}_\d{6}", "…", text)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Of several that are one cell."""
    texts = dict.fromkeys(one.said for one in outcomes if one.said)
    seconds = round(sum(one.seconds for one in outcomes), 1)
    return replace(outcomes[0], passed=not texts, said=" / ".join(texts), seconds=seconds)
