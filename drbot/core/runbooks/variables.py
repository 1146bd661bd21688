"""`${…}` in a runbook is filled in once, when the plan is made; nothing is left open in what people approve."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from drbot.core.base.errors import UserError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.text.messages import phrase, sentences

Value = str | tuple[str, ...]

_REFERENCE = re.compile(r"\$\{([^{}]*)\}")

KNOWN = frozenset(
    {
        "run.id",
        "incident.id",
        "site",
        "services.apps",
        "services.fronts",
        "services.all",
        "services.stores",
        "service",
        "postgres.volume",
        "postgres.service",
        "redis.volume",
        "redis.service",
        "files.place",
        "files.name",
        "settings.place",
        "settings.name",
        "kept.name",
        "kept.volume",
        "kept.service",
        "projects",
        "repository.url",
        "repository.commit",
        "monitoring.project",
        "recovery.site",
        "dns.names",
    }
)
"""What every runbook may use without declaring an input."""

SECTIONS: Mapping[str, str] = {
    "repository": phrase("the git repository that the compose projects come from, with its commit"),
    "recovery": phrase("the site where a lost system is built anew, and the one that controls it"),
    "dns": phrase("the zone and the names that lead users to the system"),
}
"""What whole sections of dr.yml give: by the first word of a variable."""


def section_of(name: str) -> str | None:
    """The section of dr.yml that a variable comes from, where it comes from a whole one."""
    section = name.strip().partition(".")[0]
    return section if section in SECTIONS else None


def references(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (found.strip() for found in _REFERENCE.findall(value))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from references(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from references(part)


def fill(value: Any, variables: Mapping[str, Value]) -> Any:
    """The value with every `${name}` replaced. A text that is one reference becomes the variable itself, so a list
    stays a list; inside a longer text a list is joined with commas. Raises UserError for a name nobody filled.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            found = _lookup(whole.group(1), variables)
            return list(found) if isinstance(found, tuple) else found
        return _REFERENCE.sub(lambda match: _text(_lookup(match.group(1), variables)), value)
    if isinstance(value, Mapping):
        return {key: fill(part, variables) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return list(_spliced(value, variables))
    return value


def _spliced(parts: Iterable[Any], variables: Mapping[str, Value]) -> Iterator[Any]:
    """A list inside a list is opened: [apps, fronts] is one list of services."""
    for part in parts:
        filled = fill(part, variables)
        if isinstance(part, str) and isinstance(filled, list):
            yield from filled
        else:
            yield filled


def _lookup(name: str, variables: Mapping[str, Value]) -> Value:
    name = name.strip()
    section = section_of(name)
    if name not in variables and section is not None:
        raise UserError(
            phrase("Filling in the runbook."),
            phrase("This plan needs `{section}` in dr.yml: {what}.", section=section, what=SECTIONS[section]),
            phrase("Add it (drbot docs recovery-sites), start drbot again, then plan again: /dr recover"),
        )
    if name not in variables:
        raise UserError(
            phrase("Filling in the runbook."),
            sentences(
                phrase("{variable} has no value here.", variable=f"${{{name}}}"),
                did_you_mean(name, sorted(variables)),
            ),
            phrase("Give it as an argument, or correct the name in the runbook."),
        )
    return variables[name]


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ", ".join(value)
