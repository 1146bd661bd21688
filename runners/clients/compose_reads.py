"""What Compose reads on the worker's host when it starts a project: files, and variables of the environment.

`docker compose config` no longer tells: it has read them by then. So the files are walked as they are written, also
those that they include or extend.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os.path import normpath, realpath
from pathlib import Path
from typing import Any

from drbot.core.text.messages import listed, phrase
from drbot.runners.clients.compose_text import filled_in, is_file, is_possible, parsed, raw_of, settings_in, settings_of

_REMOTE = re.compile(r"\w+://|\w+@|github\.com/")
_NAMED = re.compile(r"(?<!\$)(?:\$\$)*\$\{?(\w+)")
HOOKS = frozenset({"post_start", "pre_stop"})
_MOST_FILES = 100  # that include or extend each other

NEEDS_VARIABLES: str = phrase(
    "The compose files of {project} use {names} of the environment of drbot's worker, which is kept from them: "
    "give it a value in the project's .env, or name it under `variables` of the site in dr.yml"
)
NEEDS_FILES: str = phrase(
    "The compose files of {project} use {paths}, outside of the projects: move it into the project's folder. What "
    "only `configs`, `secrets` or a build name may lie in a folder under `files` of the site in dr.yml"
)
NEEDS_NONE_OF_OURS: str = phrase(
    "The compose files of {project} use {paths}, where drbot keeps what it signs with: take that out of them, or "
    "set DRBOT_HOME to a folder outside of the projects"
)
NEEDS_PLAIN_FILES: str = phrase(
    "drbot cannot tell what the compose files of {project} use of the worker's host: it does not understand all of "
    "{paths}. Write paths without variables, and the file as plain YAML or as lines of NAME=value"
)
NEEDS_NO_PROGRAMS: str = phrase(
    "The compose files of {project} have {names} started on the worker's own host (`provider`), which drbot does "
    "not do: take that out of them"
)

Content = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """What dr.yml lets compose files use beyond the projects, because two people have accepted it."""

    variables: tuple[str, ...] = ()  # of the worker's environment
    folders: tuple[Path, ...] = ()
    never: Path | None = None  # the worker's own folder, with what it signs with: wherever that lies


@dataclass(frozen=True, kw_only=True, slots=True)
class Reads:
    """Of the worker's host, what is not the system's. `outside`: paths as they are written, from the root on."""

    outside: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # the same of what lies in the worker's own folder, or holds it
    kept_from_it: tuple[str, ...] = ()  # names of variables that it does not get
    unread: tuple[str, ...] = ()  # files that Compose may understand, and we do not: who knows what they lead to
    programs: tuple[str, ...] = ()  # that Compose would start on the host itself

    @property
    def beyond_us(self) -> tuple[str, ...]:
        """Files of which a complaint of Compose may repeat a line."""
        return (*self.outside, *self.own, *self.unread)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lacking:
    """Of what a project reads, paths that a host which was lost does not have when Compose reads them there."""

    first: tuple[str, ...] = ()  # without them the project cannot be read, and nothing of it be made
    later: tuple[str, ...] = ()  # it can, and cannot be started


@dataclass(frozen=True, kw_only=True, slots=True)
class Everything:
    """What one project reads."""

    files: frozenset[Path]
    variables: frozenset[str]
    unread: frozenset[Path]
    programs: frozenset[str]
    hooked: frozenset[Path] = frozenset()  # files with what only Compose does when a container starts or stops
    scaled: frozenset[Path] = frozenset()  # files that say of how many containers a service is
    first: frozenset[Path] = frozenset()  # of the files, those without which Compose cannot even read the project

    def beyond(self, folders: Iterable[Path], withheld: Collection[str], never: Path | None = None) -> Reads:
        """What is in none of these folders, or in `never`, wherever links lead, and what it uses of these variables."""
        roots = [_resolved(folder) for folder in folders]
        outside = (path for path in self.files if not any(_resolved(path).is_relative_to(root) for root in roots))
        own = (path for path in self.files if never is not None and _meet(_resolved(path), _resolved(never)))
        kept = self.variables.intersection(withheld)
        return Reads(
            outside=tuple(sorted(map(str, outside))),
            own=tuple(sorted(map(str, own))),
            kept_from_it=tuple(sorted(kept)),
            unread=tuple(sorted(map(str, self.unread))),
            programs=tuple(sorted(self.programs)),
        )

    def lacking(self, projects: Iterable[Path], kept: Iterable[Path]) -> Lacking:
        """`projects`: their folders, which come back first; a link in one comes as the file that it leads to. `kept`:
        folders whose content comes back as data, after Compose has read the project.
        """
        own, data = tuple(projects), tuple(kept)
        elsewhere = [path for path in sorted(self.files) if not _is_in(path, own)]
        return Lacking(
            first=tuple(str(path) for path in elsewhere if path in self.first),
            later=tuple(str(path) for path in elsewhere if path not in self.first and not _is_in(path, data)),
        )


def _is_in(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(one) or _resolved(path).is_relative_to(_resolved(one)) for one in folders)


def _meet(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _resolved(path: Path) -> Path:
    """Wherever links lead; one that leads to itself stays."""
    return Path(realpath(path))


def reads_of(folder: Path, files: Iterable[Path], env_files: Collection[Path], given: Mapping[str, str]) -> Everything:
    """Of a project in this folder that is started from these. `given`: what Compose gets of the environment."""
    walk = _Walk(given=given)
    walk.go(folder, files, walk.values_of(env_files or (folder / ".env",)))
    return Everything(
        files=frozenset(walk.found),
        variables=frozenset(walk.variables),
        unread=frozenset(walk.unread),
        programs=frozenset(walk.programs),
        hooked=frozenset(walk.hooked),
        scaled=frozenset(walk.scaled),
        first=frozenset(walk.first),
    )


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What Compose says while it is at work. It repeats the line of a file that it cannot read, whosever file that is;
    so its words go nowhere where it reads what is not the system's. `reads`: of the project, looked at when asked.
    """

    reads: Callable[[], Reads]
    on_line: Callable[[str], None]

    def __call__(self, line: str) -> None:
        if self.on_line is not unheard and not self._beyond:
            self.on_line(line)

    @cached_property
    def _beyond(self) -> tuple[str, ...]:
        return self.reads().beyond_us

    def ending(self, lines: Sequence[str]) -> str:
        """Its last words, why it failed."""
        paths = {*self.reads().beyond_us}
        if self.on_line is not unheard:
            paths |= {*self._beyond}
        if not paths:
            return " ".join(lines[-3:])
        return phrase("its words are kept back, for they may repeat what is in {paths}", paths=listed(sorted(paths)))


def unheard(line: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Values:
    """Of variables. `unsure`: files of which Compose may take more, or other ones, than we do."""

    of: Mapping[str, str]
    unsure: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Walk:
    given: Mapping[str, str]
    found: set[Path] = field(default_factory=set)
    first: set[Path] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    unread: set[Path] = field(default_factory=set)
    programs: set[str] = field(default_factory=set)
    hooked: set[Path] = field(default_factory=set)
    scaled: set[Path] = field(default_factory=set)
    walked: set[tuple[Path, Path]] = field(default_factory=set)

    def values_of(self, env_files: Collection[Path], above: "_Values | None" = None) -> _Values:
        """Of variables, in files that are filled in by these; the environment counts, and what is said above them."""
        self.found.update(env_files)
        self.first.update(env_files)
        unsure = tuple(file for file in env_files if is_file(file) and not _is_plain(file))
        above = above or _Values(of=self.given)
        values = _Values(of={**settings_in(env_files), **above.of}, unsure=(*above.unsure, *unsure))
        self.fills_in(env_files, values)
        return values

    def fills_in(self, env_files: Iterable[Path], values: _Values) -> None:
        """Compose takes variables that these name from its own environment too."""
        for raw in map(raw_of, env_files):
            self.variables.update(_named_in(raw) - values.of.keys() - settings_of(raw or b"").of.keys())

    def go(self, folder: Path, files: Iterable[Path], values: _Values) -> None:
        """These, and what they lead to. Paths in them start at `folder`."""
        for file in files:
            self.found.add(file)
            self.first.add(file)
            if (file, folder) in self.walked or not is_file(file):
                continue
            self.walked.add((file, folder))
            raw = raw_of(file)
            documents = None if raw is None or len(self.walked) > _MOST_FILES else parsed(raw)
            self.variables.update(_named_in(raw) - values.of.keys())
            if documents is None:
                self.unread.add(file)
            for said in documents or ():
                self._project(_Part(walk=self, file=file, folder=folder, values=values), said)

    def _project(self, part: "_Part", said: Content) -> None:
        for one in _list(said.get("include")):
            part.included(one)
        for service in _mappings(said.get("services")):
            part.service(service)
        for kind in ("secrets", "configs"):
            for one in _mappings(said.get(kind)):
                part.reads(one.get("file"))
                self.variables.update({*map(_word, _list(one.get("environment")))} - part.values.of.keys())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """One file of a project: where its paths start, and what its variables mean."""

    walk: _Walk
    file: Path
    folder: Path
    values: _Values

    def paths(self, said: Any, start: Path | None = None) -> list[Path]:
        """All that one may mean: a name such as `git@…` or `https://…` is one of this host too where nothing else is
        looked for. None: nothing.
        """
        text = self._filled_in(said) if isinstance(said, str) else ""
        ways = {text: None, text.removeprefix("file://"): None}
        if text.startswith("~"):
            ways = {f"{Path.home()}/{text[1:]}": None, **ways}
        return [Path(normpath((start or self.folder) / one)) for one in ways if one]

    def _filled_in(self, said: str) -> str:
        if "$" in said:
            self.walk.unread.update(self.values.unsure)
        text = filled_in(said, self.values.of)
        if text is None or not is_possible(text):
            self.walk.unread.add(self.file)
            return ""
        return text

    def path(self, said: Any) -> Path | None:
        return next(iter(self.paths(said)), None)

    def reads(self, said: Any, start: Path | None = None, *, is_first: bool = False) -> None:
        paths = self.paths(said, start)
        self.walk.found.update(paths)
        self.walk.first.update(paths[:1] if is_first else [])

    def _leads_to(self, said: Iterable[Any]) -> list[Path]:
        """Of this host. What Compose fetches from elsewhere nobody has looked at: it may name anything here."""
        if any(isinstance(one, str) and _REMOTE.match(self._filled_in(one)) for one in said):
            self.walk.unread.add(self.file)
        return [path for one in said for path in self.paths(one)]

    def included(self, one: Any) -> None:
        """With its own folder, and its own .env; what is said above it counts more."""
        said = one if isinstance(one, Mapping) else {"path": one}
        paths = self._leads_to(_list(said.get("path")))
        if paths:
            folder = self.path(said.get("project_directory")) or paths[0].parent
            named = [path for one in _list(said.get("env_file")) for path in self.paths(one)]
            usual = folder / ".env"
            own = named or ([usual] if is_file(usual) else [])
            self.walk.go(folder, paths, self.walk.values_of(own, self.values))

    def service(self, said: Content) -> None:
        for one in (*_list(said.get("env_file")), *_list(said.get("label_file"))):
            said_so = one if isinstance(one, Mapping) else {"path": one}
            self.walk.fills_in(self.paths(said_so.get("path")), self.values)
            self.reads(said_so.get("path"), is_first=_word(said_so.get("required")).lower() != "false")
        extends = said.get("extends")
        for other in self._leads_to([extends.get("file")]) if isinstance(extends, Mapping) else ():
            self.walk.go(other.parent, [other], self.values)
        if provider := said.get("provider"):
            named = provider.get("type") if isinstance(provider, Mapping) else provider
            self.walk.programs.add(_word(named) or "provider")
        if said.keys() & HOOKS:
            self.walk.hooked.add(self.file)
        deploy = said.get("deploy")
        if "scale" in said or (isinstance(deploy, Mapping) and "replicas" in deploy):
            self.walk.scaled.add(self.file)
        if _word(said.get("use_api_socket")).lower() not in ("", "false"):  # with the passwords of docker's own user
            self.reads(f"{self.walk.given.get('DOCKER_CONFIG') or '~/.docker'}/config.json")
        self._build(said.get("build"))
        self.walk.variables.update({*_passed_on(said.get("environment"))} - self.values.of.keys())

    def _build(self, said: Any) -> None:
        build = said if isinstance(said, Mapping) else {"context": said}
        for context in self.paths(build.get("context") or ("." if said else None)):
            self.walk.found.add(context)
            self.reads(build.get("dockerfile") or "Dockerfile", context)
        for one in (*_values(build.get("additional_contexts")), *_values(build.get("ssh"))):
            self.reads(one.removeprefix("oci-layout://"))
        if any(not one for one in _values(build.get("ssh"))):  # the agent of whoever builds, with all of its keys
            self.reads(self.walk.given.get("SSH_AUTH_SOCK"))
        for one in (*_list(build.get("cache_from")), *_list(build.get("cache_to"))):
            for word in _word(one).split(","):  # `"DEST=/x"` is `dest=/x` to a build
                key, _, place = word.strip(' "').partition("=")
                self.reads(place if key.strip().lower() in ("src", "dest") else None)
        self.walk.variables.update({*_passed_on(build.get("args"))} - self.values.of.keys())


def _named_in(raw: bytes | None) -> set[str]:
    """Variables, as Compose knows them."""
    return {*_NAMED.findall((raw or b"").decode(errors="replace"))}


def _is_plain(file: Path) -> bool:
    raw = raw_of(file)
    return raw is not None and settings_of(raw).is_plain


def _list(said: Any) -> list[Any]:
    if said is None:
        return []
    return list(said) if isinstance(said, list | tuple) else [said]


def _mappings(said: Any) -> Iterator[Content]:
    yield from (one for one in (said.values() if isinstance(said, Mapping) else ()) if isinstance(one, Mapping))


def _values(said: Any) -> Iterator[str]:
    """Of NAME=VALUE, as either is written."""
    if isinstance(said, Mapping):
        yield from map(_word, said.values())
    else:
        yield from (_word(one).partition("=")[2] for one in _list(said))


def _word(said: Any) -> str:
    """What is no word is none: lists in lists, named again and again, may be longer than any memory."""
    return said if isinstance(said, str) else ""


def _passed_on(said: Any) -> Iterator[str]:
    """Names without a value: Compose takes it from its own environment."""
    if isinstance(said, Mapping):
        yield from (str(name) for name, value in said.items() if value is None)
    else:
        yield from (one for one in map(_word, _list(said)) if one and "=" not in one)
