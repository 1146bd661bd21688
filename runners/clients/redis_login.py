"""How to ask a running Redis something: as whom, and at which port.

Its password stands wherever its compose file has put it: the environment, the command or what a shell makes of it, a
configuration or ACL file, a secret. All that is found there is tried, until the server answers.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice, pairwise
from pathlib import PurePosixPath
from typing import Any

from drbot.core.text.messages import Message
from drbot.core.text.redaction import is_secret_name
from drbot.runners.clients.container_files import files_at
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.service_container import ServiceContainer, environment_of

Reader = Callable[[str], Mapping[str, str]]  # path of a file or folder in the container → texts

SECRETS = "/run/secrets"
READ = """
for file in "$1" "$1"/*; do
  if [ -f "$file" ] && [ -r "$file" ]; then printf '%s\\0' "$file"; head -c 65536 "$file"; printf '\\0'; fi
done
true
"""
MOST_FILES, MOST_LOGINS, LONGEST_PASSWORD = 30, 40, 512
REFUSED = re.compile(r"(?:^|-)(?:NOAUTH|WRONGPASS|NOPERM)", re.MULTILINE)
_PATH = re.compile(r"(?<![\w$}])/[\w./@+-]+|\b[\w./-]+\.(?:conf|acl)\b")
_PASSWORD = re.compile(r"""^\s*requirepass\s+(?:"([^"\n]*)"|'([^'\n]*)'|(\S+))""", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?(\w+)")
_USER = re.compile(r"^\s*user\s+(\S+)\s+(.*)$|--user\s+(\w\S*)\s+(on .*)$", re.MULTILINE)
_PORT = re.compile(r"(?:^|\s|--)port\s+[\"']?(\d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """As whom redis-cli asks, and where."""

    user: str | None = None
    password: str | None = None
    port: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        return (
            *(("--user", self.user) if self.user and self.password else ()),
            *(("-p", self.port) if self.port else ()),
        )

    @property
    def environment(self) -> dict[str, str]:
        """Where redis-cli looks for the password."""
        return {"REDISCLI_AUTH": self.password} if self.password else {}


def ask(engine: DockerEngine, container: str, login: Login, *words: str) -> str:
    """The answer to redis-cli in the server's own container, without its remarks on the password."""
    command = ["redis-cli", *login.words, *words]
    said = engine.execute(container, command, seconds=5, environment=login.environment).output
    if isinstance(said, Message):  # ours, for want of an answer
        return said
    return "\n".join(line for line in said.splitlines() if not line.startswith(("AUTH failed:", "Warning:")))


def login_of(engine: DockerEngine, container: ServiceContainer, given: Login, *words: str) -> Login:
    """The first that may say these words, what dr.yml gives before all; else one that is told why not."""
    found = logins(engine, container, given)
    may = (one for one in found if not REFUSED.search(ask(engine, container.id, one, *words)))
    return next(may, found[0])


def logins(engine: DockerEngine, container: ServiceContainer, given: Login) -> tuple[Login, ...]:
    """Everything to try, beginning with what is given: nothing, mostly."""

    return logins_in(engine.inspect(container.id)["Config"], partial(read_inside, engine, container.id), given)


def read_inside(engine: DockerEngine, container: str, path: str) -> dict[str, str]:
    """Texts of a file or folder, by a program of the container's own where it has a shell: for the engine to read them
    it would mount its volumes once more, and whoever watches production would see that.
    """
    told = engine.execute(container, ["sh", "-c", READ, "read", path], seconds=10)
    if told.code == 0:
        parts = told.output.split("\0")
        return dict(zip(parts[::2], parts[1::2], strict=False))
    found = files_at(engine, container, path, folder=path == SECRETS)
    return {name: content.decode(errors="replace") for name, content in found.items() if b"\0" not in content}


def logins_in(config: Mapping[str, Any], read: Reader, given: Login) -> tuple[Login, ...]:
    words, environment = words_of(config), environment_of(config.get("Env"))
    files = list(files_of(config, words, environment, read))
    texts = ["\n".join(words), " ".join(words), *environment.values(), *files]
    port = next((hit for text in texts for hit in _PORT.findall(text) if hit not in ("0", "6379")), None)
    known = dict.fromkeys(
        [(given.user, given.password or environment.get("REDISCLI_AUTH"))]  # redis-cli takes that one by itself
        + [(None, password) for password in passwords(words, texts, files, environment) if password]
        + [pair for text in texts for pair in users_in(text)]
    )
    return tuple(Login(user=user, password=word, port=port) for user, word in islice(known, MOST_LOGINS))


def secrets_of(engine: DockerEngine, container: ServiceContainer) -> tuple[str, ...]:
    """Every password that may be its."""
    return tuple(one.password for one in logins(engine, container, Login()) if one.password)


def words_of(config: Mapping[str, Any]) -> list[str]:
    """What is run in the container, its health check too; what a shell is given, taken apart."""
    given = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    given += (config.get("Healthcheck") or {}).get("Test") or []
    words: list[str] = []
    for word in map(str, given):
        words.append(word)
        if " " in word:
            with suppress(ValueError):  # a quote that is open
                words += shlex.split(word)
    return words


def files_of(
    config: Mapping[str, Any], words: Sequence[str], environment: Mapping[str, str], read: Reader
) -> Iterator[str]:
    """Texts of the files that are named there, and of those that they name; secrets too."""
    folder = PurePosixPath(config.get("WorkingDir") or "/")
    waiting = [SECRETS, *(value for value in environment.values() if _PATH.fullmatch(value))]
    waiting += named_files("\n".join([*words, *map(lines_with_files, environment.values())]))
    seen: set[str] = set()
    while waiting and len(seen) < MOST_FILES:
        path = str(folder / waiting.pop(0))
        if path in seen:
            continue
        seen.add(path)
        for text in read(path).values():
            yield text
            waiting += named_files(lines_with_files(text))


def lines_with_files(text: str) -> str:
    """Of a configuration, what leads to more of it."""
    return "\n".join(re.findall(r"^\s*(?:include|aclfile)\s+.*$", text, re.MULTILINE))


def named_files(text: str) -> Iterator[str]:
    """Paths in a text, programs left out."""
    return (hit for hit in _PATH.findall(text) if not re.search(r"(^|/)(bin|sbin|dev|proc|sys)/|^/data/?$", hit))


def passwords(
    words: Sequence[str], texts: Sequence[str], files: Sequence[str], environment: Mapping[str, str]
) -> Iterator[str]:
    given = [value for option, value in pairwise(words) if option in ("--requirepass", "--pass", "-a")]
    yield from given
    yield from (environment.get(name, "") for value in given for name in _VARIABLE.findall(value))
    yield from (next(filter(None, hit), "") for text in texts for hit in _PASSWORD.findall(text))
    yield from (value for name, value in environment.items() if is_secret_name(name))
    for text in files:
        word = text.strip()
        if "\n" not in word and len(word) <= LONGEST_PASSWORD:
            yield word


def users_in(text: str) -> Iterator[tuple[str, str]]:
    """Users of an ACL whose passwords are written out."""
    for first, rules, second, more in _USER.findall(text):
        for rule in (rules or more).split():
            if rule.startswith(">"):
                yield first or second, rule[1:]
