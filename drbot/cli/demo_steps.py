"""What the demo tells a person who plays it: what to type and press, as whom, to the very end."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from drbot.core.text.messages import phrase

FIRST_WORDS: Mapping[int, str] = {
    1: "/dr declare level1 auth: nobody can sign in",
    2: "/dr declare level2 PostgreSQL does not start",
    3: "/dr declare level3 the server does not answer",
    4: "/dr declare level4 the data centre burns",
}
"""What Aiko types first, by level."""
TARGETS: Mapping[int, str] = {2: "production", 4: "recovery"}
"""What the voters type, at the levels that replace something."""


def steps_of(level: int) -> Iterator[str]:
    yield phrase("In #dr-ops type [bold]{words}[/]", words=FIRST_WORDS[level])
    if level in TARGETS:
        yield phrase(
            "Open the new channel. Switch to [bold]Ben[/] (bottom left), press Approve, read, type "
            "[bold]{target}[/] and a reason, send it.",
            target=TARGETS[level],
        )
        yield phrase(
            "Do the same as [bold]Chika[/] (drbot answers her in Japanese). It continues once the proof is there."
        )
    else:
        yield phrase("Open the new channel and watch the board: nothing is replaced, so nobody votes.")
    yield phrase(
        "As [bold]Aiko[/] again, answer whether users can work, then press [bold]Resolve and write the report[/]."
    )
    yield phrase(
        "Then ask what any other day asks: [bold]/dr readiness[/] (could we recover now), [bold]/dr drill level{level} "
        "rehearsed[/] (how long, and how much is lost: on a copy that can reach nothing), [bold]/dr drills[/] (when it "
        "was proven last).",
        level=level,
    )


def next_of(level: int, configuration: Path, home: Path) -> Iterator[str]:
    """What can be asked of what an automatic demo leaves there, as it is typed."""
    yield phrase("What to ask on any other day, of this system or of yours:")
    yield f"  export DRBOT_CONFIG={configuration} DRBOT_HOME={home} DRBOT_PERSON=ben"
    yield phrase("  {drbot} dr readiness    # could we recover now, and what is in the way", drbot=program())
    yield phrase(
        "  {drbot} drill level{level}   # how long, and how much is lost: on a copy", drbot=program(), level=level
    )
    yield phrase("  {drbot} dr drills       # when each level was proven last", drbot=program())


def program() -> str:
    """drbot as it was called here, so that what is printed can be typed."""
    return sys.argv[0] if Path(sys.argv[0]).name == "drbot" else "drbot"


def in_a_terminal(configuration: Path, home: Path) -> str:
    """The same demo without Slack."""
    return f"DRBOT_CONFIG={configuration} DRBOT_HOME={home} {program()} dr status"
