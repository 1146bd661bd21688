"""What Compose reads on the worker's host when it starts a project: files, and variables of the environment.

`docker compose config` no longer tells: it has read them by then. So the files are walked as they are written, also
those that they include or extend.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os.path import normpath
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from drbot.core.text.messages import listed, phrase

ELSEWHERE = re.compile(r"(https?|git|ssh|docker-image|oci|service|target)://|git@|github\.com/|service:|target:")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+?])([^{}]*))?\})")
_NAMED = re.compile(r"(?<!\$)(?:\$\$)*\$\{?(\w+)")
_SETTING = re.compile(r"^\s*(?:export\s+)?(\w+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^#\n]*))", re.MULTILINE)
_PLAIN = re.compile(r"\s*(?:#.*)?|\s*(?:export\s+)?\w+\s*=\s*(?:\"[^\"\\$]*\"|'[^'$]*'|[^\"'\\$#]*)\s*(?:#.*)?")
"""A line of .env that cannot mean anything else to Compose than to us."""
_ESCAPED = "\0"
_DEPTH = 10  # of variables in each other's defaults

Content = Mapping[str, Any]


class _Constructor(SafeConstructor):
    """Of tags, such as Compose's own `!reset` and `!override`, the value counts."""

    def tagged(self, suffix: str, node: Node) -> Any:
        if isinstance(node, MappingNode):
            return self.construct_mapping(node, deep=True)
        return self.construct_sequence(node, deep=True) if isinstance(node, SequenceNode) else node.value


_Constructor.add_multi_constructor("", _Constructor.tagged)


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """What dr.yml lets compose files use beyond the projects, because two people have accepted it."""

    variables: tuple[str, ...] = ()  # of the worker's environment
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reads:
    """Of the worker's host, what is not the system's. `outside`: paths as they are written, from the root on."""

    outside: tuple[str, ...] = ()
    kept_from_it: tuple[str, ...] = ()  # names of variables that it does not get
    unread: tuple[str, ...] = ()  # files that Compose may understand, and we do not: who knows what they lead to
    programs: tuple[str, ...] = ()  # that Compose would start on the host itself

    @property
    def beyond_us(self) -> tuple[str, ...]:
        """Files of which a complaint of Compose may repeat a line."""
        return (*self.outside, *self.unread)


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
    first: frozenset[Path] = frozenset()  # of the files, those without which Compose cannot even read the project

    def beyond(self, folders: Iterable[Path], withheld: Collection[str]) -> Reads:
        """What is in none of these folders, wherever a link leads, and what it uses of these variables."""
        roots = [folder.resolve() for folder in folders]
        outside = (path for path in self.files if not any(path.resolve().is_relative_to(root) for root in roots))
        kept = self.variables.intersection(withheld)
        return Reads(
            outside=tuple(sorted(map(str, outside))),
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
    return any(path.is_relative_to(one) or path.resolve().is_relative_to(one.resolve()) for one in folders)


def reads_of(folder: Path, files: Iterable[Path], env_files: Collection[Path], given: Mapping[str, str]) -> Everything:
    """Of a project in this folder that is started from these. `given`: what Compose gets of the environment."""
    walk = _Walk(given=given)
    walk.go(folder, files, walk.values_of(env_files or (folder / ".env",)))
    return Everything(
        files=frozenset(walk.found),
        variables=frozenset(walk.variables),
        unread=frozenset(walk.unread),
        programs=frozenset(walk.programs),
        first=frozenset(walk.first),
    )


def settings_in(files: Iterable[Path]) -> dict[str, str]:
    """What files such as .env say."""
    texts = (file.read_text(errors="replace") for file in files if file.is_file())
    return {
        one[1]: next(filter(None, one.groups()[1:]), "").strip() for text in texts for one in _SETTING.finditer(text)
    }


def needs_variables(project: str, names: Iterable[str]) -> str:
    return phrase(
        "The compose files of {project} use {names} of the environment of drbot's worker, which is kept from them: "
        "give it a value in the project's .env, or name it under `variables` of the site in dr.yml",
        project=project,
        names=listed(sorted(names)),
    )


def needs_files(project: str, paths: Iterable[str]) -> str:
    return phrase(
        "The compose files of {project} use {paths}, outside of the projects: move it into the project's folder, or "
        "name its folder under `files` of the site in dr.yml",
        project=project,
        paths=listed(sorted(paths)),
    )


def needs_plain_files(project: str, paths: Iterable[str]) -> str:
    return phrase(
        "drbot cannot tell what the compose files of {project} use of the worker's host: it does not understand all of "
        "{paths}. Write paths without variables, and the file as plain YAML or as lines of NAME=value",
        project=project,
        paths=listed(sorted(paths)),
    )


def needs_no_programs(project: str, names: Iterable[str]) -> str:
    return phrase(
        "The compose files of {project} have {names} started on the worker's own host (`provider`), which drbot does "
        "not do: take that out of them",
        project=project,
        names=listed(sorted(names)),
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
    walked: set[tuple[Path, Path]] = field(default_factory=set)

    def values_of(self, env_files: Collection[Path]) -> _Values:
        """Of variables, in files that are filled in by these; the environment counts."""
        self.found.update(env_files)
        self.first.update(env_files)
        unsure = tuple(file for file in env_files if file.is_file() and not _is_plain(file))
        return _Values(of={**settings_in(env_files), **self.given}, unsure=unsure)

    def go(self, folder: Path, files: Iterable[Path], values: _Values) -> None:
        """These, and what they lead to. Paths in them start at `folder`."""
        for file in files:
            self.found.add(file)
            self.first.add(file)
            if (file, folder) in self.walked or not file.is_file():
                continue
            self.walked.add((file, folder))
            raw = file.read_bytes()
            self.variables.update({*_NAMED.findall(raw.decode(errors="replace"))} - values.of.keys())
            documents = _parsed(raw)
            if documents is None:
                self.unread.add(file)
            for said in documents or ():
                self._project(_Part(walk=self, folder=folder, values=values), said)

    def _project(self, part: "_Part", said: Content) -> None:
        for one in _list(said.get("include")):
            part.included(one)
        for service in _mappings(said.get("services")):
            part.service(service)
        for kind in ("secrets", "configs"):
            for one in _mappings(said.get(kind)):
                part.reads(one.get("file"))
                self.variables.update({*map(str, _list(one.get("environment")))} - part.values.of.keys())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """One file of a project: where its paths start, and what its variables mean."""

    walk: _Walk
    folder: Path
    values: _Values

    def path(self, said: Any, start: Path | None = None) -> Path | None:
        """None: nothing, or nothing of this host."""
        if isinstance(said, str) and "$" in said:
            self.walk.unread.update(self.values.unsure)
        text = filled_in(str(said), self.values.of) if isinstance(said, str) else ""
        if not text or ELSEWHERE.match(text):
            return None
        return Path(normpath((start or self.folder) / Path(text.removeprefix("file://")).expanduser()))

    def reads(self, said: Any, start: Path | None = None, *, is_first: bool = False) -> None:
        if (path := self.path(said, start)) is not None:
            self.walk.found.add(path)
            self.walk.first.update([path] if is_first else [])

    def included(self, one: Any) -> None:
        """With its own folder, and its own .env."""
        said = one if isinstance(one, Mapping) else {"path": one}
        paths = [path for path in map(self.path, _list(said.get("path"))) if path is not None]
        if paths:
            folder = self.path(said.get("project_directory")) or paths[0].parent
            named = [path for path in map(self.path, _list(said.get("env_file"))) if path is not None]
            usual = folder / ".env"
            self.walk.go(folder, paths, self.walk.values_of(named or ([usual] if usual.is_file() else [])))

    def service(self, said: Content) -> None:
        for one in (*_list(said.get("env_file")), *_list(said.get("label_file"))):
            said_so = one if isinstance(one, Mapping) else {"path": one}
            self.reads(said_so.get("path"), is_first=said_so.get("required", True) is not False)
        extends = said.get("extends")
        if isinstance(extends, Mapping) and (other := self.path(extends.get("file"))) is not None:
            self.walk.go(other.parent, [other], self.values)
        if provider := said.get("provider"):
            self.walk.programs.add(
                str(provider.get("type", provider)) if isinstance(provider, Mapping) else str(provider)
            )
        self._build(said.get("build"))
        self.walk.variables.update({*_passed_on(said.get("environment"))} - self.values.of.keys())

    def _build(self, said: Any) -> None:
        build = said if isinstance(said, Mapping) else {"context": said}
        context = self.path(build.get("context") or ("." if said else None))
        if context is not None:
            self.walk.found.add(context)
            self.reads(build.get("dockerfile") or "Dockerfile", context)
        for one in (*_values(build.get("additional_contexts")), *_values(build.get("ssh"))):
            self.reads(one.removeprefix("oci-layout://"))
        self.walk.variables.update({*_passed_on(build.get("args"))} - self.values.of.keys())


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """With variables as Compose fills them in, from the innermost on."""

    def value(found: re.Match[str]) -> str:
        name, how, other = found[1] or found[2], found[3] or "", found[4] or ""
        there = values.get(name, "")
        is_there = bool(there) if how.startswith(":") else name in values
        if how.endswith("+"):
            return other if is_there else ""
        return other if how.endswith("-") and not is_there else there

    text = text.replace("$$", _ESCAPED)
    for _ in range(_DEPTH):
        text, before = _VARIABLE.sub(value, text), text
        if text == before:
            break
    return text.replace(_ESCAPED, "$")


def _is_plain(file: Path) -> bool:
    """Whether each of its lines says one thing, and to everybody the same."""
    return all(map(_PLAIN.fullmatch, file.read_text(errors="replace").splitlines()))


def _parsed(raw: bytes) -> list[Content] | None:
    """Its documents, in whatever letters they are written; None: we cannot read it, and Compose may."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor, yaml.allow_duplicate_keys = _Constructor, True
    try:
        return [one for one in yaml.load_all(raw) if isinstance(one, Mapping)]
    except (YAMLError, ValueError, RecursionError):
        return None


def _list(said: Any) -> list[Any]:
    if said is None:
        return []
    return list(said) if isinstance(said, list | tuple) else [said]


def _mappings(said: Any) -> Iterator[Content]:
    yield from (one for one in (said.values() if isinstance(said, Mapping) else ()) if isinstance(one, Mapping))


def _values(said: Any) -> Iterator[str]:
    """Of NAME=VALUE, as either is written."""
    if isinstance(said, Mapping):
        yield from (str(value) for value in said.values() if value is not None)
    else:
        yield from (str(one).partition("=")[2] for one in _list(said))


def _passed_on(said: Any) -> Iterator[str]:
    """Names without a value: Compose takes it from its own environment."""
    if isinstance(said, Mapping):
        yield from (str(name) for name, value in said.items() if value is None)
    else:
        yield from (str(one) for one in _list(said) if "=" not in str(one))
