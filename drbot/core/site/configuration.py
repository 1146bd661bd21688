"""Reads dr.yml. Every mistake is told with file, line and what was probably meant.

A mistake in a section that only concerns people and habits never stops drbot:
the rest is used, gates stay closed and the reason is shown. Without sites or backups there is nothing to recover.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from drbot.core.base.errors import UserError
from drbot.core.base.waiting import circle_in
from drbot.core.base.yaml_file import Problem, YamlFile, did_you_mean, problems_of, read_yaml, reading, wrong_lines
from drbot.core.site.people import Roster, roster_of
from drbot.core.site.site import DRILL_CONTROL, DRILL_SITE, Configuration, Site, needs_of
from drbot.core.site.store_folders import entangled
from drbot.core.text.messages import listed, phrase, sentences

MAY_BE_BROKEN = frozenset({"people", "channels", "cadence", "approvals", "targets", "language", "proof"})
"""Sections that have a default to go on with."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What could be read, and what is wrong with the rest."""

    configuration: Configuration
    faults: tuple[str, ...] = ()  # "dr.yml:12: …"; with any of them no gate opens
    is_rehearsal: bool = False  # drills alone: production has no worker

    @property
    def roster(self) -> Roster:
        """Everybody drbot knows; any fault of the file keeps the gates closed."""
        given = self.configuration
        roster = roster_of(given.people, given.approvals, given.language)
        return replace(roster, fault=self.faults[0]) if self.faults else roster


def load_configuration(path: Path) -> Loaded:
    """dr.yml with its paths made absolute. Raises UserError when what is needed to recover at all is wrong."""
    if not path.exists():
        raise UserError(
            reading(path),
            phrase("There is no such file."),
            phrase(
                "Name it with --config or DRBOT_CONFIG. `drbot init` writes one of what runs here, `drbot lab up` one "
                "for the lab."
            ),
        )
    file = read_yaml(path)
    tree = _plain(file.tree)
    try:
        configuration, problems = Configuration.model_validate(tree), []
    except ValidationError as error:
        problems = problems_of(Configuration, error)
        configuration = _without_broken(file, tree, problems)
    absolute = _absolute(configuration, path.absolute().parent)
    wrong = [*_contradictions(configuration), *_of_folders(absolute)]
    if wrong:
        raise _error(file, [*problems, *wrong])
    return Loaded(configuration=absolute, faults=file.complaints(problems))


def _without_broken(file: YamlFile, tree: dict[str, Any], problems: Sequence[Problem]) -> Configuration:
    """The configuration without the sections that are wrong; of `people` only the wrong entries go."""
    rest = copy.deepcopy(tree)
    for problem in problems:
        section = str(problem.where[0]) if problem.where else ""
        if section in MAY_BE_BROKEN:
            _cut(rest, problem)
        elif section in rest and section not in Configuration.model_fields:
            del rest[section]  # an unknown section, perhaps a misspelt `people`: drbot starts, gates closed
        else:
            raise _error(file, problems)
    try:
        return Configuration.model_validate(rest)
    except ValidationError as error:
        raise _error(file, problems_of(Configuration, error)) from error


def _cut(rest: dict[str, Any], problem: Problem) -> None:
    section = str(problem.where[0])
    if section == "people" and len(problem.where) > 1 and isinstance(rest.get("people"), dict):
        rest["people"].pop(problem.where[1], None)
    else:
        rest.pop(section, None)


def _contradictions(configuration: Configuration) -> Iterator[Problem]:
    """What each value allows and all of them together do not."""
    sites = configuration.sites
    if configuration.default_site not in sites:
        yield Problem(
            where=("default_site",) if "default_site" in configuration.model_fields_set else ("sites",),
            sentence=sentences(
                phrase(
                    'default_site "{name}" is not one of the sites {sites}.',
                    name=configuration.default_site,
                    sites=listed(sites),
                ),
                did_you_mean(configuration.default_site, list(sites)),
            ),
        )
    yield from _of_recovery(configuration)
    for name in {DRILL_SITE, DRILL_CONTROL} & sites.keys():
        yield Problem(where=("sites", name), sentence=phrase("Drills have this name: give the site another one."))
    default = sites.get(configuration.default_site)
    yield from _of_schedule(configuration)
    for name, site in sites.items():
        yield from _of_site(name, site)
    if default is not None:
        yield from _of_proof(configuration, default)


def _of_schedule(configuration: Configuration) -> Iterator[Problem]:
    sites, schedule = configuration.sites, configuration.backups.schedule
    for name in schedule.sites:
        if name not in sites:
            yield _unknown(("backups", "schedule", "sites"), name, list(sites))
    for name in schedule.sites or (configuration.default_site,):
        if name in sites and sites[name].postgres is None and schedule.postgres is not None:
            where = ("backups", "schedule", "postgres")
            yield Problem(where=where, sentence=phrase('The site "{name}" has no PostgreSQL.', name=name))


def _unknown(where: tuple[str, ...], name: str, known: list[str]) -> Problem:
    said = phrase('"{name}" is not one of the sites {sites}.', name=name, sites=listed(known))
    return Problem(where=where, sentence=sentences(said, did_you_mean(name, known)))


def _of_proof(configuration: Configuration, site: Site) -> Iterator[Problem]:
    """Where statements are asked must be known before that night."""
    known = site.postgres.databases if site.postgres else ()
    for index, check in enumerate(configuration.proof.checks):
        where: tuple[str | int, ...] = ("proof", "checks", index)
        if check.sql is None:
            continue
        if site.postgres is None:
            sentence = phrase('The site "{name}" has no PostgreSQL.', name=configuration.default_site)
            yield Problem(where=(*where, "sql"), sentence=sentence)
        elif check.database is None and len(known) != 1:
            sentence = phrase("Say in which `database` it is asked: {names}.", names=listed(known))
            yield Problem(where=(*where, "sql"), sentence=sentence)
        elif check.database is not None and check.database not in known:
            sentence = phrase('"{name}" is not one of the databases {names}.', name=check.database, names=listed(known))
            yield Problem(
                where=(*where, "database"), sentence=sentences(sentence, did_you_mean(check.database, list(known)))
            )


def _of_recovery(configuration: Configuration) -> Iterator[Problem]:
    known, recovery = list(configuration.sites), configuration.recovery
    for key, name in (("site", recovery.site), ("control", recovery.control)) if recovery else ():
        if name is not None and name not in known:
            yield _unknown(("recovery", key), name, known)
    control = configuration.sites.get(recovery.control) if recovery and recovery.control else None
    if control is not None and control.services:
        yield Problem(
            where=("recovery", "control"),
            sentence=phrase("It controls others, so it cannot be a site with services of its own."),
        )
    if recovery and recovery.site == recovery.control:
        yield Problem(where=("recovery", "control"), sentence=phrase("A new host cannot control its own making."))


def _of_site(name: str, site: Site) -> Iterator[Problem]:
    known = list(site.services)
    for key, service in site.services.items():
        for index, needed in enumerate(service.needs):
            if needed not in site.services:
                yield Problem(
                    where=("sites", name, "services", key, "needs", index),
                    sentence=sentences(
                        phrase('"{name}" needs "{needed}", which is no service here.', name=key, needed=needed),
                        did_you_mean(needed, known),
                    ),
                )
    if circle := circle_in(needs_of(site.services)):
        yield Problem(
            where=("sites", name, "services", circle[0], "needs"),
            sentence=phrase(
                "These services need each other in a circle: {names}.", names=" → ".join((*circle, circle[0]))
            ),
        )
    for kind, store in (("postgres", site.postgres), ("redis", site.redis)):
        if store is not None and store.service not in site.services:
            yield Problem(
                where=("sites", name, kind, "service"),
                sentence=sentences(
                    phrase('"{name}" is no service here.', name=store.service), did_you_mean(store.service, known)
                ),
            )


def _of_folders(configuration: Configuration) -> Iterator[Problem]:
    for name, site in configuration.sites.items():
        for kind, sentence in entangled(site, {"backups": configuration.backups.directory}):
            place = ("sites", name, kind)
            yield Problem(where=place if kind == "files" else (*place, "volume"), sentence=sentence)


def _absolute(configuration: Configuration, folder: Path) -> Configuration:
    """Paths in the file are meant from where the file lies."""
    sites = {name: _absolute_site(site, folder) for name, site in configuration.sites.items()}
    backups = configuration.backups.model_copy(update={"directory": folder / configuration.backups.directory})
    runbooks = folder / configuration.runbooks if configuration.runbooks else None
    return configuration.model_copy(update={"sites": sites, "backups": backups, "runbooks": runbooks})


def _absolute_site(site: Site, folder: Path) -> Site:
    packages = folder / site.packages if site.packages else None
    return site.placed(folder / site.projects).model_copy(update={"packages": packages})


def _plain(value: Any) -> Any:
    """ruamel's containers as ordinary ones, so that cutting them leaves the lines of the file alone."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _error(file: YamlFile, problems: Sequence[Problem]) -> UserError:
    return wrong_lines(reading(file.path), file, problems)
