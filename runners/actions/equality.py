"""Is what stands on the new host what the manifest of the backup says: configuration, keys of Redis, files?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import PermanentError
from runners.action import Finding, StepContext
from runners.actions.fetching import unpacked
from runners.actions.restoring import OWN_FILE
from runners.clients.plain_files import digest_file

NO_MANIFEST = "this backup has no manifest to compare with"


def configuration(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe configuration.equal: every file as it was."""
    try:
        manifest = unpacked(context).manifest
    except PermanentError as error:
        return Finding(passed=False, sentence=str(error))
    if manifest is None:
        return Finding(passed=True, sentence=f"Configuration: {NO_MANIFEST}")
    expected = {path: digest for path, digest in manifest.configuration.items() if path != OWN_FILE}
    wrong = [path for path, digest in sorted(expected.items()) if digest_of(context.site.projects / path) != digest]
    sentence = f"{len(expected)} configuration files, as in the manifest"
    if wrong:
        sentence = f"{len(wrong)} of {len(expected)} configuration files are not as in the manifest: {wrong[0]}"
    return Finding(passed=not wrong, sentence=sentence, facts={"configuration": expected})


def digest_of(path: Path) -> str:
    """SHA-256 of a file; "" where there is none."""
    try:
        return digest_file(path)
    except OSError:
        return ""


def keys(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe redis.keys: those without a time to live, exactly. The others may have ended since the backup."""
    try:
        manifest = unpacked(context).manifest
    except PermanentError as error:
        return Finding(passed=False, sentence=str(error))
    if manifest is None or manifest.redis is None:
        return Finding(passed=True, sentence=f"Redis: {NO_MANIFEST}")
    found = context.clients.redis.count()
    wanted = manifest.redis.keys - manifest.redis.expires
    return Finding(
        passed=found.lasting == wanted,
        sentence=f"Redis has {found.lasting} lasting keys; the manifest says {wanted}",
        facts={"keys": found.lasting},
    )
