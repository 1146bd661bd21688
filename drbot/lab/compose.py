"""`docker compose` for one folder of the lab."""

import os
import subprocess
from pathlib import Path

from drbot.core.base.errors import UserError
from drbot.core.files.compose_program import DOCKER, compose_program
from drbot.core.text.messages import phrase


def compose(host: str, folder: Path, *arguments: str, stdin: str | None = None, address: str = "127.0.0.1") -> str:
    """Standard output of one compose command; ports are published on `address`. Raises UserError with what it said."""
    done = subprocess.run(
        [*(compose_program() or DOCKER), "--ansi", "never", *arguments],
        cwd=folder,
        env={**os.environ, "DOCKER_HOST": host, "ADDRESS": address},
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        why = " ".join(done.stderr.strip().splitlines()[-3:])
        command = f"docker compose {arguments[0]}"
        raise UserError(phrase("{command} in {folder} failed.", command=command, folder=folder.name), why)
    return done.stdout


def read_env(folder: Path) -> dict[str, str]:
    """The .env file beside the compose file; empty when there is none yet."""
    path = folder / ".env"
    if not path.exists():
        return {}
    lines = (line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def write_env(folder: Path, values: dict[str, str]) -> None:
    """Write .env for its owner alone: it holds the passwords."""
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    descriptor = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
