"""Twelve ways to write the same Redis into a compose file, and six kinds of Redis to write."""

import hashlib
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drbot.lab.images import REDIS_IMAGE

Settings = Sequence[tuple[str, str]]
Written = dict[str, Any]  # a compose file's service, and `top` of what belongs beside it

PASSWORD = "pa$$ w0rd#1"
ACL = f"""user default off
user admin on >{"s3cret-admin"} ~* &* +@all
user app on #{hashlib.sha256(b"app").hexdigest()} ~app:* +@read
"""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a Redis is used for."""

    settings: Settings = ()
    username: str | None = None
    password: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)  # path inside → text
    databases: Sequence[int] = (0,)
    lasting: bool = True  # False: every key expires


KINDS = {
    "plain": Kind(),
    "aof": Kind(settings=(("appendonly", "yes"), ("save", ""))),
    "acl": Kind(
        settings=(("aclfile", "/acl/users.acl"), ("appendonly", "yes")),
        username="admin",
        password="s3cret-admin",
        files={"/acl/users.acl": ACL},
    ),
    "password": Kind(settings=(("requirepass", PASSWORD),), password=PASSWORD),
    "ttl": Kind(lasting=False),
    "databases": Kind(
        settings=(("databases", "40"), ("appendonly", "yes"), ("aof-use-rdb-preamble", "no")), databases=(0, 3, 39)
    ),
}


def options(settings: Settings) -> list[str]:
    """On a command line."""
    return [word for name, value in settings for word in (f"--{name}", value)]


def escaped(word: str) -> str:
    """So that compose leaves a dollar alone."""
    return word.replace("$", "$$")


def conf(settings: Settings) -> str:
    """A redis.conf."""
    return "".join(f'{name} "{value}"\n' for name, value in settings)


def shell(settings: Settings) -> str:
    """A line for a shell."""
    return shlex.join(["redis-server", *options(settings)])


def write(folder: Path, name: str, text: str, mode: int = 0o644) -> str:
    """A file beside the compose file; its path there."""
    (folder / name).write_text(text)
    (folder / name).chmod(mode)
    return f"./{name}"


def words(folder: Path, settings: Settings) -> Written:
    return {"command": ["redis-server", *map(escaped, options(settings))]}


def one_string(folder: Path, settings: Settings) -> Written:
    return {"command": escaped(shell(settings))}


def only_options(folder: Path, settings: Settings) -> Written:
    return {"command": [*map(escaped, options(settings))]}


def file_and_command(folder: Path, settings: Settings) -> Written:
    mounted = write(folder, "redis.conf", conf(settings))
    return {
        "command": ["redis-server", "/usr/local/etc/redis/redis.conf"],
        "volumes": [f"{mounted}:/usr/local/etc/redis/redis.conf:ro"],
    }


def file_that_includes(folder: Path, settings: Settings) -> Written:
    write(folder, "more.conf", conf(settings))
    write(folder, "redis.conf", "include /conf/more.conf\nloglevel warning\n")
    return {"command": "/conf/redis.conf", "volumes": [".:/conf:ro"]}


def in_a_shell(folder: Path, settings: Settings) -> Written:
    return {"command": ["sh", "-c", escaped(f"echo starting; {shell(settings)}")]}


def from_the_environment(folder: Path, settings: Settings) -> Written:
    """As many write a password: the shell fills it in."""
    named = {f"REDIS_{name.upper().replace('-', '_')}": (name, value) for name, value in settings}
    command = " ".join(["exec redis-server", *(f'--{name} "${variable}"' for variable, (name, _) in named.items())])
    return {
        "entrypoint": ["sh", "-c", escaped(command)],
        "environment": {variable: escaped(value) for variable, (_, value) in named.items()},
    }


def own_entrypoint(folder: Path, settings: Settings) -> Written:
    mounted = write(folder, "redis.conf", conf(settings))
    return {
        "entrypoint": ["redis-server", "/etc/redis.conf"],
        "command": ["--maxmemory-policy", "allkeys-lru", "--maxmemory", "200mb"],
        "volumes": [f"{mounted}:/etc/redis.conf"],
    }


def own_script(folder: Path, settings: Settings) -> Written:
    """It writes its configuration itself, hides CONFIG, and logs into a file."""
    text = conf([*settings, ("rename-command", "CONFIG no-config"), ("logfile", "/tmp/redis.log")])
    text = text.replace('"CONFIG no-config"', 'CONFIG ""')
    script = f"#!/bin/sh\nset -e\ncat > /tmp/own.conf <<'END'\n{text}END\nexec /usr/bin/redis-server /tmp/own.conf\n"
    mounted = write(folder, "start.sh", script, 0o755)
    return {"entrypoint": "/start.sh", "volumes": [f"{mounted}:/start.sh:ro"]}


def other_user_folder_and_port(folder: Path, settings: Settings) -> Written:
    """Not root, from another working directory; its data in a folder of the volume."""
    mounted = write(folder, "redis.conf", conf([*settings, ("dir", "/data/store"), ("port", "7000")]))
    return {
        "user": "999:999",
        "working_dir": "/tmp",
        "command": ["redis-server", "/etc/redis.conf", "--dbfilename", "cache.rdb"],
        "volumes": [f"{mounted}:/etc/redis.conf:ro"],
        "port": 7000,
        "ready": "mkdir -p /data/store && chown 999:999 /data/store",
    }


def configs_and_secrets(folder: Path, settings: Settings) -> Written:
    password = dict(settings).get("requirepass", "nobody asks")
    mounted = write(folder, "password.txt", password + "\n")
    rest = [one for one in settings if one[0] != "requirepass"]
    asked = ' --requirepass "$(cat /run/secrets/redis_password)"' if len(rest) < len(settings) else ""
    return {
        "command": ["sh", "-c", escaped(f"redis-server /redis.conf{asked}")],
        "configs": [{"source": "conf", "target": "/redis.conf"}],
        "secrets": ["redis_password"],
        "top": {
            "configs": {"conf": {"content": escaped(conf(rest))}},
            "secrets": {"redis_password": {"file": mounted}},
        },
    }


def from_standard_input(folder: Path, settings: Settings) -> Written:
    write(folder, "redis.env", f"SETTINGS='{conf(settings)}'\n")
    return {
        "command": ["sh", "-c", escaped('printf "%s" "$SETTINGS" | redis-server -')],
        "env_file": ["redis.env"],
        "init": True,
    }


FORMS: dict[str, Callable[[Path, Settings], Written]] = {
    one.__name__.replace("_", " "): one
    for one in (
        words, one_string, only_options, file_and_command, file_that_includes, in_a_shell, from_the_environment,
        own_entrypoint, own_script, other_user_folder_and_port, configs_and_secrets, from_standard_input,
    )
}  # fmt: skip


def project(folder: Path, form: str, kind: Kind, volume: str) -> tuple[int, str | None]:
    """Write the compose project; its port, and a command that has to be run on the volume once before it is started."""
    settings = [*kind.settings, ("protected-mode", "no")]
    written = FORMS[form](folder, settings)
    ready, top = written.pop("ready", None), written.pop("top", {})
    port = written.pop("port", 6379)
    mounts = [f"{write(folder, Path(path).name, text)}:{path}:ro" for path, text in kind.files.items()]
    service = {"image": REDIS_IMAGE, **written, "volumes": ["data:/data", *written.get("volumes", []), *mounts]}
    document = {"services": {"redis": service}, "volumes": {"data": {"name": volume, "external": True}}, **top}
    (folder / "compose.yml").write_text(json.dumps(document, indent=1))
    return port, ready
