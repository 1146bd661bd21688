"""What two people read before names are led back or a rented machine is given back."""

from collections.abc import Iterator, Mapping, Sequence

from drbot.core.runs.stakes import NameMove, RentedMachine, Stakes, Users
from drbot.core.text.messages import clauses, closed, listed, phrase, sentences

THERE, HERE = phrase("where users will go"), phrase("where users go now")


def answers_text(stakes: Stakes) -> str:
    """At every address, where users are led to first; one that does not answer is said loudly."""
    there = {address for move in stakes.moves for address in move.to}
    found = sorted(stakes.answers, key=lambda one: one.address not in there)
    return clauses(
        phrase(
            "{mark} {address} ({place}): {answer}",
            mark="✅" if one.answers else "⚠",
            address=one.address,
            place=THERE if one.address in there else HERE,
            answer=one.said,
        )
        for one in found
    ) or phrase("nothing was checked")


def move_text(move: NameMove, known: Mapping[str, str]) -> str:
    """From where to where one name is led; also what somebody else changed, and what a name server says otherwise.
    `known`: address → the site that dr.yml has there.
    """
    now = _places(move.now, known) or phrase("nowhere")
    led = phrase("{name}: from {now} to {there}", name=move.name, now=now, there=_places(move.to, known))
    return _with_more(led, tuple(_otherwise(move, known)))


def _otherwise(move: NameMove, known: Mapping[str, str]) -> Iterator[str]:
    if move.led and tuple(sorted(move.led)) != move.now:
        led = _places(move.led, known)
        yield phrase("SOMEBODY ELSE CHANGED IT: drbot had pointed it at {places}", places=led)
    if move.told is None:
        yield phrase("No name server could be asked")
    elif move.told != move.now:
        yield phrase("A name server still tells users {told}", told=listed(move.told) or phrase("nothing"))


def _with_more(first: str, more: Sequence[str]) -> str:
    return sentences(*(closed(one) for one in (first, *more))) if more else first


def _places(addresses: Sequence[str], known: Mapping[str, str]) -> str:
    return listed(
        phrase("{name} ({details})", name=one, details=known[one]) if one in known else one for one in addresses
    )


USERS: Mapping[Users, str] = {
    Users.NEVER: phrase("drbot never moved users there"),
    Users.ONCE: phrase("users were moved there, and what they wrote there exists NOWHERE ELSE"),
    Users.UNKNOWN: phrase(
        "this worker has no record of whether users were moved there; anything they wrote there would exist "
        "NOWHERE ELSE"
    ),
}


def machine_text(one: RentedMachine) -> str:
    more = []
    if one.kept:
        more.append(phrase("Kept data on it goes too: {names}", names=listed(one.kept)))
    if one.by == "terraform":
        names = listed(one.resources) or phrase("nothing")
        more.append(phrase("Terraform destroys: {names}", names=names))
    return _with_more(_with_everything(one), more)


def _with_everything(one: RentedMachine) -> str:
    what = listed((one.type, one.region, *one.addresses)) or phrase("no more is known")
    since = f"{one.since:%Y-%m-%d %H:%M} UTC" if one.since is not None else phrase("an unknown time")
    if one.incident is not None:
        since = phrase("{since} for {incident}", since=since, incident=f"DR-{one.incident}")
    return phrase(
        "the machine {machine} of {site} ({what}), rented since {since}, with everything on it; {users}",
        machine=one.machine,
        site=one.site,
        what=what,
        since=since,
        users=USERS[one.users],
    )
