"""Logs and state as they were before anything was touched: a bounded tail each, secrets masked, one folder per run."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from drbot.core.base.errors import CancelledError, PermanentError, TemporaryError
from drbot.core.site.site import Service
from drbot.core.text.messages import clauses, listed, phrase
from drbot.core.text.redaction import MASK, Redactor, is_secret_name, secret_values
from drbot.core.text.words import size
from drbot.runners.clients.free_room import free_bytes
from drbot.runners.clients.postgres_server import control_data
from drbot.runners.clients.redis_login import secrets_of
from drbot.runners.contract import arguments
from drbot.runners.contract.action import Outcome, Registry, StepContext
from drbot.store.base.file_modes import write_private

LOG_LINES = 2000


def collect(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Write what can be had; what cannot be read is noted and never stops a recovery."""
    folder = context.clients.settings.evidence / context.run.id
    services = arguments.services(context, given)
    missing: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, write in parts(context, folder, services):
            if context.cancelled():
                raise CancelledError(phrase("Stopped while evidence was being kept"))
            try:
                write()
            except (TemporaryError, PermanentError) as error:
                context.log(f"No evidence of {name}: {error}")
                missing.append(name)
    except OSError as error:
        raise PermanentError(
            phrase("The evidence cannot be written to {folder}: {why}", folder=folder, why=error.strerror)
        ) from error
    files = sorted(path.name for path in folder.iterdir())
    total = size(sum((folder / name).stat().st_size for name in files))
    told = phrase("Files of evidence that are kept: {count} ({total})", count=len(files), total=total)
    lacking = phrase("not readable: {names}", names=listed(missing)) if missing else ""
    return Outcome(
        summary=clauses((told, lacking)),
        facts={"folder": str(folder), "files": files, "missing": missing},
    )


def parts(
    context: StepContext, folder: Path, services: Mapping[str, Service]
) -> Iterator[tuple[str, Callable[[], None]]]:
    """What is kept, each by itself, so that one that fails does not hide the others."""
    redact = Redactor(known_secrets(context, services))
    for done, (name, service) in enumerate(services.items()):
        context.progress(done, len(services), "services")
        yield name, partial(keep_service, context, folder, name, service, redact)
    if context.site.postgres and context.site.postgres.service in services:
        yield phrase("the disk"), partial(keep_disk, context, folder)
        yield phrase("the control file of PostgreSQL"), partial(keep_cluster, context, folder)


def keep_service(context: StepContext, folder: Path, name: str, service: Service, redact: Redactor) -> None:
    """State and the end of the log of one service's container."""
    docker = context.clients.docker
    container = docker.container(service)
    if container is None:
        write_private(folder / f"{name}.inspect.json", '{"State": "the container does not exist"}\n')
        return
    write_private(folder / f"{name}.log", redact(docker.logs(container.id, LOG_LINES)))
    state = docker.inspect(container.id)
    state["Config"]["Env"] = [masked(line) for line in state["Config"].get("Env") or ()]
    write_private(folder / f"{name}.inspect.json", json.dumps(redacted(state, redact), indent=2) + "\n")


def keep_disk(context: StepContext, folder: Path) -> None:
    free = free_bytes(context.clients, context.labels, context.cancelled)
    write_private(folder / "disk.txt", f"free on the disk of the volumes: {size(free)}\n")


def keep_cluster(context: StepContext, folder: Path) -> None:
    """pg_controldata of production's volume, which is mounted read-only for it."""
    postgres = context.clients.postgres
    recipe = postgres.recipe(context.cancelled)
    state = control_data(context.clients.docker, recipe, postgres.settings.volume, context.labels, context.cancelled)
    lines = [f"{name}: {value}" for name, value in state.items()] or ["unreadable"]
    write_private(folder / "postgres.control.txt", "\n".join(lines) + "\n")


def known_secrets(context: StepContext, services: Mapping[str, Service]) -> tuple[str, ...]:
    """Values that look secret in the environments of these services, as they run and as their compose files say: one
    service's password stands in another one's log.
    """
    found = list(context.clients.settings.secrets)
    redis = context.site.redis.service if context.site.redis else None
    for name, service in services.items():
        container = context.clients.docker.container(service)
        if container is not None:
            found += secret_values(container.environment)
            found += secrets_of(context.clients.docker, container) if name == redis else ()
    for project in sorted({service.project for service in services.values()}):
        try:
            described = context.clients.compose.describe(project, context.cancelled)
        except (TemporaryError, PermanentError) as error:
            context.log(f"The compose file of {project} cannot be read: {error}")
            continue
        for one in described.get("services", {}).values():
            found += secret_values({name: str(value) for name, value in (one.get("environment") or {}).items()})
    return tuple(found)


def redacted(value: Any, redact: Redactor) -> Any:
    """JSON with every text in it masked; masking the whole document would eat its quotes. Any: it is JSON."""
    if isinstance(value, dict):
        return {name: MASK if _is_secret(name, part) else redacted(part, redact) for name, part in value.items()}
    if isinstance(value, list):
        return [_after(before, part, redact) for before, part in zip(["", *value], value, strict=False)]
    return redact(value) if isinstance(value, str) else value


def _is_secret(name: str, value: Any) -> bool:
    return bool(value) and isinstance(value, str) and is_secret_name(name)


def _after(before: Any, part: Any, redact: Redactor) -> Any:
    """A word of a command is masked when it would be in one line with the word before it: --requirepass geheim."""
    if isinstance(before, str) and isinstance(part, str) and redact(f"{before} {part}") == f"{before} {MASK}":
        return MASK
    return redacted(part, redact)


def masked(line: str) -> str:
    """NAME=value with the value masked when the name says that it is secret."""
    name = line.partition("=")[0]
    return f"{name}={MASK}" if is_secret_name(name) else line


IMPLEMENTED = Registry(
    actions={"evidence.collect": collect},
)
