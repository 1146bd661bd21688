"""What a process of drbot logs: without secrets, and tracebacks without the values of variables."""

import os
from typing import Any

import structlog

from core.redaction import Redactor, secret_values


def configure_logs() -> None:
    """For this process, before its first line. Masks the finished line, so that nothing gets past it."""
    redact = Redactor(secret_values(os.environ))

    def masked(_logger: Any, _method: str, line: Any) -> Any:
        return redact(line) if isinstance(line, str) else line

    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.reset_defaults()
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain, masked])
