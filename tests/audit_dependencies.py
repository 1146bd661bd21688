"""`make audit`: known weaknesses of what is installed (requirements.lock), by pip-audit.

Fails for a known weakness. Without an advisory database, as without internet, it says NOT audited and goes on.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
SERVICES = ("osv", "pypi")
SECONDS = 120

Ask = Callable[[str], str]


def ask(service: str) -> str:
    """pip-audit's answer as JSON, or nothing."""
    command = [
        *(sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--no-deps", "--disable-pip"),
        *("--format", "json", "--progress-spinner", "off", "--timeout", "10", "-s", service),
    ]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False).stdout
    except subprocess.TimeoutExpired:
        return ""


def findings(answer: str) -> tuple[int, list[str]] | None:
    """How many packages were looked up, and a line per weakness; None when nothing was."""
    try:
        packages: list[Mapping[str, Any]] = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    known = [package for package in packages if "skip_reason" not in package]
    lines = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none'}"
        for package in known
        for found in package.get("vulns", ())
    ]
    return (len(known), lines) if known else None


def audit(ask: Ask, say: Callable[[str], None]) -> int:
    """Ask one database after the other; the exit code."""
    for service in SERVICES:
        found = findings(ask(service))
        if found is not None:
            count, lines = found
            for line in lines:
                say(line)
            say(f"Audited {count} packages against {service}: {len(lines)} known weaknesses.")
            return 1 if lines else 0
    say("NOT audited: no advisory database answered. Run `make audit` where there is internet.")
    return 0


if __name__ == "__main__":
    sys.exit(audit(ask, print))
