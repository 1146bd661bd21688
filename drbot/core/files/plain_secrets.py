"""What in a runbook looks like a password: the file is committed, and shown to people."""

from collections.abc import Iterator, Mapping
from typing import Any

from drbot.core.base.yaml_file import Problem
from drbot.core.runbooks.runbook import Runbook
from drbot.core.text.messages import phrase
from drbot.core.text.redaction import Redactor, is_secret_name


def plain_secrets(runbook: Runbook) -> Iterator[Problem]:
    """No password in a file that is committed and shown."""
    redact = Redactor()
    for index, step in enumerate(runbook.steps):
        for name, text in _texts(step.model_dump(by_alias=True)):
            named = is_secret_name(name)
            if redact(text) != text or (named and text and not text.startswith("${")):
                sentence = phrase(
                    "{step}: looks like a secret in plain text; secrets come from the environment.", step=step.id
                )
                yield Problem(where=("steps", index, "id"), sentence=sentence)


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _texts(part, str(key))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _texts(part, name)
