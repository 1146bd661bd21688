"""A backup that cannot be trusted is refused before production is touched; the next good one is offered."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from core.run import RunState
from lab.breakage import break_it
from tests.story.conftest import Story
from tests.story.docker_events import EventRecorder
from tests.story.recovering import WORDS, approve_by_two, finish

pytestmark = pytest.mark.docker


def cut_in_half(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def valid_gz_of_a_cut_dump(path: Path) -> None:
    text = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(text[: len(text) // 2]))


def roles_alone(path: Path) -> None:
    """As `pg_dumpall --globals-only` leaves it: whole, and without any data."""
    text = gzip.decompress(path.read_bytes())
    closing = text.rindex(b"--\n-- PostgreSQL database cluster dump complete")
    path.write_bytes(gzip.compress(text[: text.index(b"\n-- Database ")] + b"\n" + text[closing:]))


def malformed_row(path: Path) -> None:
    """A row with a column too many in the middle of a COPY block: only a restore finds it."""
    lines = gzip.decompress(path.read_bytes()).split(b"\n")
    middle = next(n for n, line in enumerate(lines) if line.startswith(b"COPY public.users")) + 20
    lines[middle] += b"\tone column too many"
    path.write_bytes(gzip.compress(b"\n".join(lines)))


def without_manifest(path: Path) -> None:
    path.with_name(path.name.removesuffix(".sql.gz") + ".manifest.json").unlink()


@pytest.mark.parametrize("spoil", [cut_in_half, valid_gz_of_a_cut_dump, roles_alone, malformed_row])
def test_a_bad_newest_backup_is_refused_and_the_next_good_one_recovers(
    story: Story, spoil: Callable[[Path], None]
) -> None:
    good = story.backup()
    bad = newer(story)
    # The document's own scripts write no manifest: then nothing but the dump itself can tell.
    without_manifest(story.backups / bad)
    spoil(story.backups / bad)
    break_it(story.lab, "postgres-corrupt")
    recorder = EventRecorder(story.lab)
    player = story.player

    incident = player.declare("aiko", WORDS)
    run = player.wait_for_run(incident, RunState.BLOCKED, RunState.WAITING, RunState.RUNNING)
    if spoil is malformed_row:
        run = player.wait_for_run(incident, RunState.BLOCKED, seconds=180)
    else:
        player.wait(lambda: player.run(incident).plan or player.run(incident).state is RunState.BLOCKED, "a plan")
        run = player.run(incident)
    said = story.house.people.wait_for_message(incident.channel or "", lambda m: bad in str(m), 60)
    assert said
    recorder.stop()
    assert recorder.on_production(before=float("inf")) == []

    if run.state is RunState.BLOCKED:
        player.say("aiko", f"/dr recover {incident.name} backup {good}", incident.channel or "")
        player.wait(lambda: player.run(incident).id != run.id, "a fresh run")
    approve_by_two(player, incident)
    recovered = finish(player, incident)
    assert recovered.plan is not None
    assert recovered.plan.backup is not None
    assert recovered.plan.backup.name == good
    assert recovered.plan.loss_seconds is not None


def test_without_any_backup_nothing_is_touched_and_the_reason_is_told(story: Story) -> None:
    break_it(story.lab, "postgres-corrupt")
    recorder = EventRecorder(story.lab)

    incident = story.player.declare("aiko", WORDS)
    story.player.wait_for_run(incident, RunState.FAILED, RunState.BLOCKED)

    said = story.house.people.wait_for_message(incident.channel or "", lambda m: "ackup" in m["text"], 60)
    recorder.stop()
    assert said
    assert recorder.on_production(before=float("inf")) == []


def newer(story: Story) -> str:
    """A second backup with a later name."""
    before = {path.name for path in story.backups.glob("*.sql.gz")}
    story.player.wait(lambda: story.backup() not in before, "a backup of a later second")
    return sorted(path.name for path in story.backups.glob("*.sql.gz"))[-1]
