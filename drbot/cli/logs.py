"""What a process of drbot logs: without secrets, and tracebacks without the values of variables."""

import os
import sys
from pathlib import Path
from typing import Any, TextIO

import structlog

from drbot.core.text.redaction import Redactor, secret_values
from drbot.store.base.file_modes import private


def configure_logs(output: TextIO | None = None) -> None:
    """For this process, before its first line; to stdout, or to `output`. Masks the finished line, so that nothing gets
    past it. Colours are for terminals.
    """
    redact = Redactor(secret_values(os.environ))

    def masked(_logger: Any, _method: str, line: Any) -> Any:
        return redact(line) if isinstance(line, str) else line

    colours = (output or sys.stdout).isatty()
    plain = structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    structlog.reset_defaults()
    structlog.configure(
        processors=[*structlog.get_config()["processors"][:-1], plain, masked],
        logger_factory=structlog.PrintLoggerFactory(output),
    )


def log_into(file: Path) -> None:
    """For a command that talks to people on the terminal."""
    configure_logs(open(file, "a", buffering=1, opener=private))  # noqa: SIM115 - open as long as it runs
