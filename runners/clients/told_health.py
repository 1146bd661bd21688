"""Which page a container's own health check asks for: the service's people have said so in its compose file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PROGRAM = re.compile(r"(?:^|[\s/(`;|&])(?:curl|wget)\s")
# Up to where a word of a shell ends: what holds a variable is known inside alone.
_ADDRESS = re.compile(
    r"(?:(https?)://|(?<![\w./@-]))(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d+))?(/[^\s\"'|;&)`$]*)?"
    r"(?=$|[\s\"'|;&)`])"
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    scheme: str
    port: int  # inside the container
    path: str


def page_in(test: Sequence[str]) -> Page | None:
    """Of a health check as Docker has it, in the forms CMD and CMD-SHELL, by curl or wget."""
    said = " ".join(test[1:])
    found = _ADDRESS.search(said) if _PROGRAM.search(said) else None
    if found is None:
        return None
    scheme = found[1] or "http"
    return Page(scheme=scheme, port=int(found[2] or _PORTS[scheme]), path=found[3] or "/")
