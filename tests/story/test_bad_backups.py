"""A backup that cannot be trusted is refused before production is touched; the next good one is offered."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drbot.core.runs.incident import Incident
from drbot.core.runs.run import RunState
from drbot.core.text.messages import duration, say
from drbot.lab.breakage import break_it
from tests.story.conftest import Story
from tests.story.docker_events import EventRecorder
from tests.story.recovering import WORDS, approve_by_two, finish, granted_at

pytestmark = [pytest.mark.docker, pytest.mark.long]


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


def test_bad_backups_are_refused_by_name_and_the_next_good_one_is_offered_and_recovers(story: Story) -> None:
    good = story.backup()
    found_by_a_restore = spoiled(story, malformed_row)
    found_by_a_look = [spoiled(story, spoil) for spoil in (cut_in_half, valid_gz_of_a_cut_dump, roles_alone)]
    break_it(story.lab, "postgres-corrupt")
    recorder = EventRecorder(story.lab)
    player = story.player

    incident = player.declare("aiko", WORDS)
    first = player.wait_for_run(incident, RunState.BLOCKED)
    assert first.plan is not None and first.plan.backup is not None
    assert first.plan.backup.name == found_by_a_restore
    for name in found_by_a_look:
        assert words_of(story, incident, name)
    offer = words_of(story, incident, good, "next good backup", "次に使えるバックアップ")
    player.press("aiko", incident, f"recover {incident.name} backup")
    player.wait(lambda: player.run(incident).id != first.id, "a fresh run")
    player.wait(lambda: player.run(incident).plan, "a plan")
    card = player.wait(lambda: player.card(incident, "approve"), "the card")
    assert words_of(story, incident, found_by_a_restore)
    approve_by_two(player, incident)
    recovered = finish(player, incident)
    recorder.stop()

    assert recorder.on_production(before=granted_at(player, incident)) == []
    assert recovered.plan is not None and recovered.plan.backup is not None
    assert recovered.plan.backup.name == good
    assert recovered.plan.loss_seconds is not None and first.plan.loss_seconds is not None
    assert recovered.plan.loss_seconds > first.plan.loss_seconds
    losses = {say(duration(recovered.plan.loss_seconds), language) for language in ("en", "ja")}
    assert any(loss in offer for loss in losses)  # the larger loss was said before anybody chose it
    assert card is not None
    assert good in str(card[0]["blocks"])
    assert f"{recovered.plan.backup.snapshot_at:%Y-%m-%d %H:%M} UTC" in str(card[0]["blocks"])


def test_one_that_did_not_come_back_is_passed_over_from_then_on_and_used_by_its_name_alone(story: Story) -> None:
    good = story.backup()
    bad = spoiled(story, malformed_row)
    break_it(story.lab, "postgres-corrupt")
    player = story.player
    incident = player.declare("aiko", WORDS)
    first = player.wait_for_run(incident, RunState.BLOCKED)

    player.say("aiko", f"/dr recover {incident.name}", incident.channel or "")
    player.wait(lambda: player.run(incident).id != first.id, "a fresh run")
    card = player.wait(lambda: player.card(incident, "approve"), "the card")
    approve_by_two(player, incident)
    recovered = finish(player, incident)

    assert first.plan is not None and first.plan.backup is not None and first.plan.backup.name == bad
    assert recovered.state is RunState.SUCCEEDED, player.describe(incident)
    assert recovered.plan is not None and recovered.plan.backup is not None
    assert recovered.plan.backup.name == good
    assert f"/dr recover backup {bad}" in str(card[0]["blocks"])


def spoiled(story: Story, spoil: Callable[[Path], None]) -> str:
    """A newer backup that is bad. As from the document's own scripts, no manifest tells."""
    name = newer(story)
    without_manifest(story.backups / name)
    spoil(story.backups / name)
    return name


def words_of(story: Story, incident: Incident, name: str, *one_of: str) -> str:
    """The newest message in the channel that names this backup, and says one of these words where any are given."""

    def fits(message: dict[str, Any]) -> bool:
        said = str(message)
        return name in said and (not one_of or any(words in said for words in one_of))

    return str(story.stack.people.wait_for_message(incident.channel or "", fits))


def newer(story: Story) -> str:
    """A second backup with a later name."""
    before = {path.name for path in story.backups.glob("*.sql.gz")}
    story.player.wait(lambda: story.backup() not in before, "a backup of a later second")
    return sorted(path.name for path in story.backups.glob("*.sql.gz"))[-1]
