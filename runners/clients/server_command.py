"""What a command line sets of a PostgreSQL server, and what of that a server for a restore needs."""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence

_OPTION = re.compile(r"(?:-c\s*|--)?([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)

PRELOADED = "shared_preload_libraries"
# Without these, statements of a good dump fail: a library is missing, locks or stack run out. Everything else is where
# production's server is reached, what it writes where, how much it takes; names with a dot are an extension's own.
NEEDED = frozenset(
    {
        "default_table_access_method", "dynamic_library_path", "extension_control_path", "local_preload_libraries",
        "max_connections", "max_locks_per_transaction", "max_pred_locks_per_transaction", "max_prepared_transactions",
        "max_stack_depth", "session_preload_libraries", PRELOADED,
    }
)  # fmt: skip


def settings_in(command: Sequence[str]) -> Mapping[str, str]:
    """Name → value of `-c name=value` and `--name=value`, also inside a shell's script; the last one counts."""
    return dict(_settings(command))


def needed_of(command: Sequence[str]) -> Mapping[str, str]:
    """Those that a restore needs."""
    return {name: value for name, value in settings_in(command).items() if name in NEEDED or "." in name}


def _settings(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    before = ""
    for word in command:
        found = _OPTION.fullmatch(word)
        if found and (before == "-c" or word.startswith(("-c", "--"))):
            yield found[1].replace("-", "_").lower(), found[2]
        elif " " in word:
            yield from _settings(_words(word))
        before = word


def _words(script: str) -> list[str]:
    try:
        return shlex.split(script)
    except ValueError:  # a quotation that does not end
        return script.split()
