"""What drbot foresaw and could not do, told on a terminal. `main` and `drbot dr` end with it."""

from rich.console import Console

from core.errors import DrbotError
from core.visible import visible

WRONG = 2
"""Exit code of what the person, or a moment's patience, can put right."""


def complain(error: DrbotError) -> None:
    """The sentence on stderr, as it is: a path in brackets is no markup, and no letter may move the cursor."""
    Console(stderr=True, style="red", highlight=False).print(visible(str(error)), markup=False, soft_wrap=True)
