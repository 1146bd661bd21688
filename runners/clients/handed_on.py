"""What of the worker's own environment a program may know: its secrets are nobody else's.

A compose file may name any variable, and Compose fills it in: what is not in this list reaches no container.
"""

import os
import re
from collections.abc import Collection, Mapping
from os import defpath
from pathlib import Path

NAMES = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "PWD", "HOSTNAME", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE", "SSH_AUTH_SOCK",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY",
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY",
    "DOCKER_API_VERSION", "DOCKER_DEFAULT_PLATFORM", "DOCKER_BUILDKIT", "DOCKER_CONTENT_TRUST",
})  # fmt: skip
"""Not DOCKER_AUTH_CONFIG, the passwords of registries: Compose would have them too, and there are more ways to write a
variable's name into a compose file than anybody can look for. `docker login` keeps them in a file.
"""
PLACES = re.compile(
    r"HOME|TMPDIR|SSH_AUTH_SOCK|SSL_CERT_(FILE|DIR)|DOCKER_(CONFIG|CERT_PATH)|BUILDX_CONFIG|XDG_\w+_(HOME|DIRS?)"
)
FAMILIES = re.compile(r"(COMPOSE|LC|XDG|BUILDX|BUILDKIT)_[A-Z0-9_]+")


def handed_on(also: Collection[str] = (), environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The part of the environment that `docker` gets. `also`: names that dr.yml allows."""
    there = os.environ if environment is None else environment
    return anchored({name: value for name, value in there.items() if name in also or _is_harmless(name)})


def anchored(environment: Mapping[str, str]) -> dict[str, str]:
    """The same with places as they are from where drbot was started, and no search in the current folder: Compose runs
    in a project's folder, and would take plug-ins and programs that lie there for the worker's own.
    """
    return {name: _anchored(name, value) for name, value in environment.items()}


def _anchored(name: str, value: str) -> str:
    if PLACES.fullmatch(name):
        places = value.split(":") if name.endswith("_DIRS") else [value]
        return ":".join(str(Path(one).absolute()) for one in places if one)
    if name == "PATH":
        return ":".join(one for one in value.split(":") if Path(one).is_absolute()) or defpath
    return value


def withheld(also: Collection[str]) -> frozenset[str]:
    """Names of what it does not get."""
    return frozenset(os.environ.keys() - handed_on(also).keys())


def _is_harmless(name: str) -> bool:
    """Proxies are written in small letters too."""
    return name in NAMES or name.upper() in NAMES or FAMILIES.fullmatch(name) is not None
