"""Wrong codes lock where they were typed and nowhere else, and all guesses together stay few."""

from datetime import UTC, datetime, timedelta

import pytest

from drbot.core.ledger.attestation import Entrance, Origin, Proof
from drbot.runners.second_factor.guessing import MOST_PLACES, TOGETHER, Guesses

NOW = datetime(2026, 11, 26, 3, 12, tzinfo=UTC)
PHONE = Origin(entrance=Entrance.SLACK, name="U1")
SHELL = Origin(entrance=Entrance.TERMINAL, name="mallory@host")


def shell(number: int) -> Origin:
    return Origin(entrance=Entrance.TERMINAL, name=f"mallory@host{number}")


def wrong(guesses: Guesses, times: int, origin: Origin = SHELL, proof: Proof = Proof.CODE) -> Guesses:
    for _ in range(times):
        guesses = guesses.with_wrong(proof, origin, NOW)
    return guesses


@pytest.mark.parametrize("proof", [Proof.CODE, Proof.PHONE])
def test_five_wrong_codes_lock_the_place_and_no_other(proof: Proof) -> None:
    guesses = wrong(Guesses(), 5, proof=proof)

    assert wrong(Guesses(), 4, proof=proof).refusal(proof, SHELL, NOW) == ""
    assert guesses.refusal(proof, SHELL, NOW + timedelta(days=400)) == "locked"
    assert guesses.refusal(proof, PHONE, NOW) == ""
    assert guesses.refusal(proof, shell(1), NOW) == ""


def test_a_right_code_begins_anew_at_its_place() -> None:
    guesses = wrong(wrong(Guesses(), 4), 4, PHONE).with_right(Proof.CODE, SHELL)

    assert wrong(guesses, 4).refusal(Proof.CODE, SHELL, NOW) == ""
    assert wrong(guesses, 1, PHONE).refusal(Proof.CODE, PHONE, NOW) == "locked"


def test_a_shell_that_gives_itself_ever_new_names_guesses_thirty_times_in_two_hours_and_ten_a_day_later() -> None:
    guesses, now = Guesses(), NOW
    guessed: list[datetime] = []
    while now < NOW + timedelta(days=10):
        place = shell(len(guessed))
        if not guesses.refusal(Proof.CODE, place, now):
            guesses = guesses.with_wrong(Proof.CODE, place, now)
            guessed.append(now)
        else:
            now += timedelta(minutes=1)

    assert sum(at < NOW + timedelta(minutes=30) for at in guessed) == TOGETHER
    assert sum(at < NOW + timedelta(hours=2) for at in guessed) == 3 * TOGETHER
    assert sum(at >= NOW + timedelta(days=5) for at in guessed) <= 5 * TOGETHER
    assert guesses.refusal(Proof.CODE, PHONE, now) == ""


def test_what_is_counted_has_an_end() -> None:
    guesses = Guesses()
    for number in range(MOST_PLACES + 50):
        guesses = guesses.with_wrong(Proof.PHONE, shell(number), NOW)

    assert len(guesses.places) == MOST_PLACES
