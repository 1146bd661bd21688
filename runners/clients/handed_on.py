"""What of the worker's own environment a program may know: its secrets are nobody else's.

A compose file may name any variable, and Compose fills it in: what is not in this list reaches no container.
"""

import os
import re
from collections.abc import Collection, Mapping

NAMES = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "PWD", "HOSTNAME", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE", "SSH_AUTH_SOCK",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY",
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_CERT_PATH", "DOCKER_TLS", "DOCKER_TLS_VERIFY",
    "DOCKER_API_VERSION", "DOCKER_DEFAULT_PLATFORM", "DOCKER_BUILDKIT", "DOCKER_CONTENT_TRUST", "DOCKER_AUTH_CONFIG",
})  # fmt: skip
OWN = frozenset({"DOCKER_AUTH_CONFIG"})  # docker's own: passwords of registries
FAMILIES = re.compile(r"(COMPOSE|LC|XDG|BUILDX|BUILDKIT)_[A-Z0-9_]+")


def handed_on(also: Collection[str] = (), environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The part of the environment that `docker` gets. `also`: names that dr.yml allows."""
    there = os.environ if environment is None else environment
    return {name: value for name, value in there.items() if name in also or _is_harmless(name)}


def usable(also: Collection[str]) -> dict[str, str]:
    """The part of that which compose files may use."""
    return {name: value for name, value in handed_on(also).items() if name in also or name not in OWN}


def withheld(also: Collection[str]) -> frozenset[str]:
    """Names of what they may not."""
    return frozenset(os.environ.keys() - usable(also).keys())


def _is_harmless(name: str) -> bool:
    """Proxies are written in small letters too."""
    return name in NAMES or name.upper() in NAMES or FAMILIES.fullmatch(name) is not None
