"""`docker compose` for the projects of a site: argument lists, streamed line by line, ended within a second."""

import copy
import json
import re
import shlex
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os.path import realpath
from pathlib import Path
from typing import Any

from drbot.core.base.errors import CancelledError, Cause, PermanentError, TemporaryError
from drbot.core.base.waiting import needed_by
from drbot.core.files.compose_program import compose_program
from drbot.core.site.site import ComposeFiles, Service, Site
from drbot.core.text.messages import filled, listed, phrase
from drbot.runners.clients.compose_reads import (
    NEEDS_FILES,
    NEEDS_NO_PROGRAMS,
    NEEDS_NONE_OF_OURS,
    NEEDS_PLAIN_FILES,
    NEEDS_VARIABLES,
    Allowed,
    Everything,
    Reads,
    Spoken,
    reads_of,
    unheard,
)
from drbot.runners.clients.compose_text import COMPOSE_FILES, chosen_by_compose, is_file
from drbot.runners.clients.handed_on import handed_on, withheld
from drbot.runners.clients.patient_docker import Patience
from drbot.runners.clients.process import Bounds, Ended, run_process
from drbot.runners.foundation.at_once import at_once
from drbot.runners.foundation.causes import cause_in
from drbot.runners.foundation.permit import Permit
from drbot.runners.foundation.permit import services as named
from drbot.runners.foundation.watching import Cancelled

UNREACHABLE = re.compile(
    "cannot connect to the docker daemon|failed to connect to the docker api|error during connect|connection refused"
    "|connection reset|broken pipe|unexpected eof|: eof|i/o timeout",
    re.IGNORECASE,
)
_MADE_ANEW = re.compile(r"Container (\S+)\s+Recreate\b")  # in what a dry run says
_MADE = re.compile(r"Container \S+\s+(Recreate|Creating)\b")
OTHER_FILES = ("*.yaml", "*.yml", "*.env", ".env.*")
DESCRIBE_SECONDS = 60
EVERY_PROFILE = "--profile=*"
UP = ("up", "--detach", "--no-recreate")
PROJECT_FILES = (*COMPOSE_FILES, "compose.override.yml", "docker-compose.override.yml", ".env")


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """Who hears the lines, and when to end."""

    bounds: Bounds
    on_line: Callable[[str], None]


def typed(site: Site, verb: Sequence[str], wanted: Iterable[Service]) -> list[str]:
    """What a person types to do the same, a line for each project."""
    address = [f"ADDRESS={site.address}"] if site.address else []
    host = [f"--host={site.docker.host}"] if site.docker.host else []
    words = [*address, "docker", *host, "compose"]
    return [
        shlex.join([*words, *_options(site.projects, name, site.compose.get(name)), *verb, *services])
        for name, services in by_project(wanted).items()
    ]


def by_project(services: Iterable[Service]) -> dict[str, list[str]]:
    """Project → the names that these have in its compose file."""
    projects: dict[str, list[str]] = {}
    for one in services:
        projects.setdefault(one.project, []).append(one.service)
    return projects


def _options(projects: Path, project: str, known: ComposeFiles | None) -> list[str]:
    folder, known = _folder(projects, project, known), known or ComposeFiles()
    files = [f"--file={folder / name}" for name in known.files]
    files += [f"--env-file={folder / name}" for name in known.env_files]
    return [f"--project-directory={folder}", f"--project-name={project}", *files]


def _folder(projects: Path, project: str, known: ComposeFiles | None) -> Path:
    return projects / (known.folder if known and known.folder else project)


Document = Mapping[str, Any]
"""A project as Compose reads its files. Any: it is JSON."""

Places = Callable[[], Mapping[str, ComposeFiles]]
"""Project → its folder and files, for those where the name alone does not tell; asked each time."""

Guard = Callable[["Compose", str, Document, Sequence[str]], Document]
"""Given a project, all that its files say, and the services to be started from it; none: all. Returns what is made
instead. Raises PermanentError.
"""


class Compose:
    """The compose command for the folder that holds the projects."""

    def __init__(
        self,
        projects: Path,
        docker_host: str | None,
        address: str | None = None,
        patience: Patience | None = None,
        places: Places = dict,
        allowed: Allowed | None = None,
    ) -> None:
        self._projects = projects
        self._allowed = allowed or Allowed()
        self.places = places
        self._patience = patience or Patience(0)
        self._environment = {"COMPOSE_REMOVE_ORPHANS": "false", **({"DOCKER_HOST": docker_host} if docker_host else {})}
        if address:
            self._environment["ADDRESS"] = address  # the same files publish their ports on another host's address
        self.guard: Guard | None = None  # asked before anything is made of a file
        self.before_a_start: Callable[[], None] = lambda: None

    def knowing(self, places: Mapping[str, ComposeFiles]) -> "Compose":
        """The same with these places, whatever containers say by now."""
        known = copy.copy(self)
        known.places = lambda: places
        return known

    def up(self, project: str, services: Sequence[str], watch: Watch) -> None:
        """Start the services and what they depend on: those that were stopped, and those that have no container any
        more. Not with --no-deps: Compose would write another digest on them, and make them anew at the next plain `up`.
        """
        self._make(project, UP, watch, services)

    def create(self, project: str, services: Sequence[str], watch: Watch) -> None:
        """The same without starting anything: the containers that are missing."""
        self._make(project, ("up", "--no-start", "--no-recreate"), watch, services)

    def stop(self, project: str, services: Sequence[str], permit: Permit, watch: Watch) -> None:
        """Stop the services; their containers stay."""
        permit.require(*named(project, services))
        self._run(project, ["stop"], watch, services)

    def is_scaled(self, project: str) -> bool:
        """Whether a service of it may be of several containers, or nobody can tell."""
        everything = self.everything(project)
        return bool(everything.scaled or everything.unread)

    def is_plain(self, project: str) -> bool:
        """Whether the engine starts its containers as Compose does."""
        everything = self.everything(project)
        return not everything.hooked and not everything.unread

    def restart(self, project: str, services: Sequence[str], permit: Permit, watch: Watch) -> None:
        permit.require(*named(project, services))
        self._run(project, ["restart"], watch, services)

    def recreate(
        self, project: str, services: Sequence[str], permit: Permit, watch: Watch, *, starts: bool = True
    ) -> None:
        """`down` and `up -d` for these services only: fresh containers, the same networks and volumes, also those
        without a name; an old one goes when the new one is made. What it wrote into its own layer goes with it. What
        they depend on stays as it is, also where its files were changed since: nobody was asked about that. Not
        `starts`: they are made, and nothing runs.
        """
        permit.require(*named(project, services))
        waits = _waits(self.described(project, services, watch.bounds.cancelled))
        others = sorted(needed_by(services, waits) - set(services))
        alone = ["--no-deps"] if others and self.outdated(project, others, watch.bounds) else []
        self._make(project, ["up", "--detach" if starts else "--no-start", "--force-recreate", *alone], watch, services)

    def describe(self, project: str, cancelled: Cancelled, *options: str) -> dict[str, Any]:
        """The whole project as its compose file describes it, passwords filled in: not to be logged."""
        bounds = Bounds(cancelled=cancelled, seconds=DESCRIBE_SECONDS)
        words = [*options, "config", "--format", "json"]
        try:
            return _document(self._run(project, words, Watch(bounds=bounds, on_line=unheard)))
        except CancelledError as error:
            if cancelled():
                raise
            raise PermanentError(str(error)) from error  # a file that never ends: nobody has stopped it
        except ValueError as error:
            raise PermanentError(
                phrase("What docker compose says of {project} cannot be read: it is too long", project=project)
            ) from error

    def documents(
        self, projects: Collection[str], cancelled: Cancelled, services: Iterable[Service] = ()
    ) -> dict[str, Document]:
        """Project → the same, `services` among them whatever their profile. Raises PermanentError for one that cannot
        be read.
        """
        wanted = by_project(services)

        def read(project: str) -> Document:
            return self.described(project, wanted.get(project, ()), cancelled)

        return dict(zip(projects, at_once(read, projects), strict=True))

    def readings(self, projects: Collection[str], cancelled: Cancelled) -> dict[str, Document | PermanentError]:
        """Project → the same, or why it cannot be read."""

        def read(project: str) -> Document | PermanentError:
            try:
                return self.describe(project, cancelled)
            except PermanentError as error:
                return error

        return dict(zip(projects, at_once(read, projects), strict=True))

    def described(self, project: str, services: Sequence[str], cancelled: Cancelled) -> dict[str, Any]:
        """The same; with every profile where one of these is only started because it is named."""
        document = self.describe(project, cancelled)
        if set(services) <= set(document.get("services") or ()):
            return document
        return self.describe_all(project, cancelled)

    def describe_all(self, project: str, cancelled: Cancelled) -> dict[str, Any]:
        """The same with every profile."""
        return self.describe(project, cancelled, EVERY_PROFILE)

    def outdated(self, project: str, services: Sequence[str], bounds: Bounds) -> frozenset[str]:
        """Names of the containers of these services, and of what they depend on, that were not made from the files as
        they are now: Compose itself says which ones the next `up` would make anew.
        """
        lines = self._dry_run(project, services, bounds)
        return frozenset(found[1] for line in lines if (found := _MADE_ANEW.search(line)))

    def _dry_run(self, project: str, services: Sequence[str], bounds: Bounds) -> tuple[str, ...]:
        """What Compose would make now of containers."""
        dry = ["--dry-run", "create", "--no-build"]
        return self._run(project, dry, Watch(bounds=bounds, on_line=unheard), services).lines

    def version(self, bounds: Bounds) -> str:
        """Of the compose program; "" where there is none."""
        program = compose_program()
        if not program:
            return ""
        ended = run_process([*program, "version", "--short"], bounds, lambda _: None, environment=self._environment)
        return ended.lines[-1].strip() if ended.code == 0 and ended.lines else ""

    def pull(self, project: str, services: Sequence[str], watch: Watch) -> None:
        self._run(project, ["pull"], watch, services)

    def build(self, project: str, services: Sequence[str], watch: Watch) -> None:
        self._make(project, ["build"], watch, services)

    def create_alone(self, project: str, document: Mapping[str, Any], bounds: Bounds) -> None:
        """What another document says, with this project's folder and .env."""
        self._require_own(project, [*document["services"]], bounds)
        if self.guard is not None:
            document = self.guard(self, project, document, ())
        with _written(document) as file:
            watch = Watch(bounds=bounds, on_line=unheard)
            self._run(project, ["create"], watch, other=(f"--project-name={document['name']}", f"--file={file}"))

    def _make(self, project: str, arguments: Sequence[str], watch: Watch, services: Sequence[str]) -> None:
        """Where a guard is held from the very document that it has seen, whatever the files say by then."""
        self._require_own(project, services, replace(watch.bounds, seconds=DESCRIBE_SECONDS))
        if self.guard is None:
            self._run(project, arguments, watch, services)
            return
        document = self.described(project, services, watch.bounds.cancelled)
        made = self.guard(self, project, document, sorted(needed_by(services, _waits(document))))
        with _written(made) as file:
            self._run(project, arguments, watch, services, (f"--project-name={project}", f"--file={file}"))

    def _require_own(self, project: str, services: Sequence[str], bounds: Bounds) -> None:
        """Raises PermanentError where its files would bring something of the worker's host into a container that is
        not the system's. What production's containers were made with already goes on.
        """
        everything = self.everything(project)
        reads = self._beyond(project, everything)
        if reads.kept_from_it:
            raise PermanentError(filled(NEEDS_VARIABLES, project=project, names=listed(reads.kept_from_it)))
        if reads.own:
            raise PermanentError(filled(NEEDS_NONE_OF_OURS, project=project, paths=listed(reads.own)))
        if self.guard is not None:  # a host that was lost would not have it, though production's data has it here
            needed = everything.lacking((self._projects, self.folder(project)), ()).first
            if needed:
                raise PermanentError(filled(NEEDS_FILES, project=project, paths=listed(sorted(needed))))
        if reads.beyond_us and (self.guard is not None or self._makes_any(project, services, bounds)):
            needs, paths = (NEEDS_FILES, reads.outside) if reads.outside else (NEEDS_PLAIN_FILES, reads.unread)
            raise PermanentError(filled(needs, project=project, paths=listed(paths)))

    def _makes_any(self, project: str, services: Sequence[str], bounds: Bounds) -> bool:
        return any(_MADE.search(line) for line in self._dry_run(project, services, bounds))

    def reads(self, project: str) -> Reads:
        """What its files have Compose read of the worker's host that is not the system's."""
        return self._beyond(project, self.everything(project))

    def _beyond(self, project: str, everything: Everything) -> Reads:
        folders = (self._projects, self.folder(project), *self._allowed.folders)
        return everything.beyond(folders, withheld(self._allowed.variables), self._allowed.never)

    def everything(self, project: str) -> Everything:
        folder, known = self.folder(project), self.places().get(project) or ComposeFiles()
        named = (self.started_from(project), known.env_files)
        files, env_files = ([folder / name for name in names] for names in named)
        return reads_of(folder, files, env_files, {**handed_on(self._allowed.variables), **self._environment})

    def folder(self, project: str) -> Path:
        return _folder(self._projects, project, self.places().get(project))

    def started_from(self, project: str) -> tuple[str, ...]:
        """Names of its compose files, below its folder; none: there are none."""
        known = self.places().get(project)
        return known.files if known and known.files else chosen_by_compose(self.folder(project))

    def files(self, project: str) -> tuple[Path, ...]:
        """The files that decide what a project is: compose files, overrides and what `env_file` may name."""
        known = self.places().get(project) or ComposeFiles()
        folder = _folder(self._projects, project, known)
        others = {path.name for pattern in OTHER_FILES for path in folder.glob(pattern)} - {*PROJECT_FILES}
        named = (*known.files, *known.env_files) or chosen_by_compose(folder)
        names = dict.fromkeys((*PROJECT_FILES, *sorted(others), *named))
        return tuple(folder / name for name in names if is_file(folder / name))

    def _options(self, project: str, known: ComposeFiles | None) -> list[str]:
        """Raises PermanentError where a folder, or a file in it, that is named for a project leads out of its place."""
        folder = _folder(self._projects, project, known)
        named = [(folder / name, folder) for name in (*known.files, *known.env_files)] if known else []
        for path, above in [*named, *([(folder, self._projects)] if folder.name != project else [])]:
            if not Path(realpath(path)).is_relative_to(realpath(above)):
                raise PermanentError(phrase("{path} leads outside of {folder}", path=path, folder=above))
        options = _options(self._projects, project, known)
        if known is None or not known.files:  # named in any case: Compose reads what we read, however .env is written
            options += [f"--file={folder / name}" for name in self.started_from(project) or COMPOSE_FILES[:1]]
        return options

    def _run(
        self,
        project: str,
        arguments: Sequence[str],
        watch: Watch,
        services: Sequence[str] = (),
        other: Sequence[str] = (),
    ) -> Ended:
        known = self.places().get(project)
        folder = _folder(self._projects, project, known)
        if not folder.is_dir():
            raise PermanentError(
                phrase("There is no folder {folder} for the compose project {project}", folder=folder, project=project)
            )
        program = compose_program()
        if not program:
            raise PermanentError(phrase("The program docker is not installed on the worker's host"))
        command = [*program, "--ansi", "never", "--progress", "plain"]
        command += [f"--project-directory={folder}", *other] if other else self._options(project, known)
        command += arguments
        spoken = Spoken(reads=lambda: self.reads(project), on_line=watch.on_line)
        if "config" not in arguments and (programs := spoken.reads().programs):
            raise PermanentError(filled(NEEDS_NO_PROGRAMS, project=project, names=listed(programs)))
        self.before_a_start()
        while True:  # every verb here may be said twice: it looks at what is there first
            ended = run_process(
                command, watch.bounds, spoken, values=services, environment=self._environment,
                inherited=handed_on(self._allowed.variables), folder=folder,
            )  # fmt: skip
            if ended.code == 0:
                self._patience.here()
                return ended
            words, said = " ".join(ended.lines[-3:]), spoken.ending(ended.lines)
            if not UNREACHABLE.search(words):
                failed = phrase("docker compose {command} ({project}) failed: {said}", command=arguments[0],
                                project=project, said=said)  # fmt: skip
                raise PermanentError(failed, cause=cause_in(words))
            if watch.bounds.cancelled() or self._patience.ends():
                away = phrase("docker compose {command} ({project}): {said}", command=arguments[0], project=project,
                              said=said)  # fmt: skip
                raise TemporaryError(away, kind="network", cause=Cause.ENGINE)
            watch.on_line(f"The Docker engine is away; trying {arguments[0]} again")


@contextmanager
def _written(document: Mapping[str, Any]) -> Iterator[str]:
    """The name of a file that says it. It holds passwords; only we may read it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        yield file.name


def _waits(document: Mapping[str, Any]) -> dict[str, list[str]]:
    """Service → what Compose starts with it."""
    return {name: list(one.get("depends_on") or ()) for name, one in (document.get("services") or {}).items()}


def _document(ended: Ended) -> dict[str, Any]:
    text = "\n".join(ended.lines)
    return dict(json.loads(text[text.find("{\n") :]))  # warnings come first
