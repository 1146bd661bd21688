"""How the files that Compose reads are written: YAML, lines of NAME=value, variables in words.

Whoever writes one may mean Compose to read something else in it than we do. So whatever is not plain is called unclear
(None) instead of being guessed; and nothing in a file makes reading it long.
"""

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from os.path import normpath
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.tokens import DirectiveToken, TagToken

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = tuple(f"{name}.override.{end}" for name in ("compose", "docker-compose") for end in ("yml", "yaml"))
MOST_BYTES = 1 << 18  # no file of settings is larger
MOST_LETTERS = 4096  # nor a path longer
DEPTH = 10  # of variables in each other's defaults
_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"
_RESET = "!reset"
_TAGS = frozenset({("!", "reset"), ("!", "override"), ("!!", "str"), ("!!", "map"), ("!!", "seq")})
"""Of values, whatever they are of: with others the same letters are something else, as with `!!binary`."""
_LINE = re.compile(r"[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*(.*)", re.ASCII | re.DOTALL)
_ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ufffd]")
_UNCLEAR, _UNCLEAR_BARE = re.compile(r"[\\$\n]"), re.compile(r"[\\$\"']|\t#")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?!\w)")
_HOW = re.compile(r":?[-+?]")

Content = Mapping[str, Any]


def is_file(path: Path) -> bool:
    """Also of a name that is too long, or in a folder that we may not look into."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_possible(path: str) -> bool:
    """Whether there can be a file of this name."""
    try:
        written = path.encode()
    except UnicodeEncodeError:
        return False
    return len(written) < MOST_LETTERS and b"\0" not in written and all(len(one) <= 255 for one in written.split(b"/"))


def raw_of(file: Path) -> bytes | None:
    """None: it is not there, cannot be read, or has no size that settings have."""
    try:
        if not is_file(file):  # a pipe would keep us waiting
            return None
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
    except (OSError, ValueError):
        return None
    return raw if len(raw) <= MOST_BYTES else None


@lru_cache(maxsize=64)
def parsed(raw: bytes) -> tuple[Content, ...] | None:
    """Its documents, in whatever letters they are written: every value as it is written there, or None."""
    try:
        if (b"!" in raw or b"%" in raw) and not all(map(_is_plain, _yaml().scan(raw))):
            return None
        made = [_Made().of(node) for node in _yaml().compose_all(raw)]
    except Exception:  # noqa: BLE001  whatever a reader of YAML stumbles over; Compose's own may not
        return None
    return tuple(one for one in made if isinstance(one, Mapping))


class _Composer(Composer):
    """Of a name that is given twice the last one counts; a warning would repeat lines of the file."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Composer
    return yaml


def _is_plain(token: object) -> bool:
    if isinstance(token, DirectiveToken):
        return bool(token.name == "YAML")
    return not isinstance(token, TagToken) or token.value in _TAGS


@dataclass(frozen=True, slots=True)
class _Made:
    """What nodes say. One that is named again and again is made once, so that a few lines stay a few."""

    known: dict[int, Any] = field(default_factory=dict)

    def of(self, node: Node) -> Any:
        if isinstance(node, ScalarNode):
            return None if node.tag == _NULL else str(node.value)
        if id(node) not in self.known:
            self._make(node)
        return self.known[id(node)]

    def _make(self, node: Node) -> None:
        if isinstance(node, SequenceNode):
            self.known[id(node)] = made_list = list[Any]()
            made_list += map(self.of, node.value)
        elif isinstance(node, MappingNode):
            self.known[id(node)] = made = dict[Hashable, Any]()
            own = [(_key(key), value) for key, value in node.value if key.tag != _MERGE]
            made |= {key: self.of(value) for key, value in own if value.tag != _RESET}
            for one in (value for key, value in node.value if key.tag == _MERGE):
                self._merge(made, one)
            for key, value in own:  # Compose forgets these before it merges
                made.setdefault(key, self.of(value))

    def _merge(self, made: dict[Hashable, Any], node: Node) -> None:
        """What is said itself counts, then what comes first."""
        for one in node.value if isinstance(node, SequenceNode) else [node]:
            if isinstance(said := self.of(one), Mapping):
                for key, value in said.items():
                    made.setdefault(key, value)


def _key(node: Node) -> Hashable:
    return str(node.value) if isinstance(node, ScalarNode) else id(node)


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a file such as .env says."""

    of: Mapping[str, str]
    is_plain: bool  # whether that is all, and the same to everybody


@lru_cache(maxsize=64)
def settings_of(raw: bytes) -> Settings:
    text = raw.decode(errors="replace").replace("\r\n", "\n").replace("\0", "\ufffd")
    of, is_plain, at = dict[str, str](), _ODD.search(text) is None, 0
    while at < len(text):
        end = _end_of_line(text, at)
        found = _LINE.fullmatch(text[at:end])
        if found is not None:
            of[found[1]], end, is_clear = _value(text, at + found.start(2), end)
            is_plain &= is_clear
        else:
            is_plain &= text[at:end].strip()[:1] in ("", "#")
        at = end + 1
    return Settings(of=of, is_plain=is_plain)


def _value(text: str, start: int, end: int) -> tuple[str, int, bool]:
    """Of a line that ends there: what it says, where it really ends, and whether that is clear."""
    quote = text[start : start + 1]
    if quote in ("'", '"') and (closing := text.find(quote, start + 1)) >= 0:
        end, said = _end_of_line(text, closing), text[start + 1 : closing]
        return said, end, _UNCLEAR.search(said) is None and text[closing + 1 : end].strip()[:1] in ("", "#")
    said = text[start:end].split(" #", 1)[0].strip(" \t")
    return said, end, not said.startswith("#") and _UNCLEAR_BARE.search(said) is None and said == said.strip()


def _end_of_line(text: str, at: int) -> int:
    return end if (end := text.find("\n", at)) >= 0 else len(text)


def settings_in(files: Iterable[Path]) -> dict[str, str]:
    """What files such as .env say."""
    return {name: said for file in files for name, said in settings_of(raw_of(file) or b"").of.items()}


def chosen_by_compose(folder: Path) -> tuple[str, ...]:
    """What it starts a project of where nobody names files: by .env, else by their usual names."""
    if named := settings_in([folder / ".env"]).get("COMPOSE_FILE"):
        names = named.split(":")
        is_sound = len(named) <= MOST_LETTERS and all(map(is_possible, names))
        return tuple(map(normpath, names)) if is_sound else ("COMPOSE_FILE",)  # which says why there is none
    usual = (next((name for name in names if is_file(folder / name)), "") for names in (COMPOSE_FILES, OVERRIDES))
    return tuple(filter(None, usual))


def filled_in(text: str, values: Mapping[str, str]) -> str | None:
    """With variables as Compose fills them in. What one is worth is not filled in again. None: who knows."""
    try:
        said, _ = _Filling(text=text, values=values).until_end(0, depth=0)
    except _UnclearError:
        return None
    return said


class _UnclearError(Exception):
    """It may mean something else to Compose."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Filling:
    text: str
    values: Mapping[str, str]

    def until_end(self, at: int, depth: int) -> tuple[str, int]:
        """What is said from there on, to the end or, inside of braces, to the one that closes."""
        said, sign = "", re.compile(r"[${}]" if depth else r"\$")
        while (found := sign.search(self.text, at)) is not None and len(said) < MOST_LETTERS:
            said, at = said + self.text[at : found.start()], found.end()
            if found[0] == "}":
                return said, at
            if found[0] == "{" or (depth and self.text.startswith("$", at)):
                raise _UnclearError
            if self.text.startswith("$", at):
                said, at = said + "$", at + 1
            else:
                value, at = self._variable(at, depth)
                said += value
        if depth or len(said := said + self.text[at:]) > MOST_LETTERS:
            raise _UnclearError
        return said, len(self.text)

    def _variable(self, at: int, depth: int) -> tuple[str, int]:
        """What comes behind its sign, and where that ends."""
        is_braced = self.text.startswith("{", at)
        name = _NAME.match(self.text, at + is_braced)
        if name is None or depth > DEPTH:
            raise _UnclearError
        there, is_there, at = self.values.get(name[0], ""), name[0] in self.values, name.end()
        if not is_braced:
            return there, at
        if self.text.startswith("}", at):
            return there, at + 1
        how = _HOW.match(self.text, at)
        if how is None:
            raise _UnclearError
        other, at = self.until_end(how.end(), depth + 1)
        is_there = bool(there) if how[0].startswith(":") else is_there
        if how[0].endswith("+"):
            return other if is_there else "", at
        return other if how[0].endswith("-") and not is_there else there, at
