"""Is what stands on the new host what the backup holds: configuration, keys of Redis?"""

from collections.abc import Mapping
from typing import Any

from core.errors import PermanentError
from runners.action import Finding, StepContext
from runners.actions.fetching import fetched
from runners.actions.restoring import other_folders

NO_MANIFEST = "this backup has no manifest to compare with"


def configuration(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe configuration.equal: every file as it was."""
    try:
        compared = fetched(context).compare_settings(context.site.projects, other_folders(context))
    except PermanentError as error:
        return Finding(passed=False, sentence=str(error))
    if compared.other:
        wrong, total = len(compared.other), compared.same + len(compared.other)
        sentence = f"{wrong} of {total} configuration files are not as in the backup: {compared.other[0]}"
        return Finding(passed=False, sentence=sentence)
    return Finding(passed=True, sentence=f"{compared.same} configuration files, as in the backup")


def keys(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe redis.keys: those without a time to live, exactly. The others may have ended since the backup."""
    try:
        manifest = fetched(context).manifest
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
