"""Is what stands on the new host what the backup holds: configuration, keys of Redis?"""

from collections.abc import Mapping
from typing import Any

from core.errors import PermanentError
from runners.action import Finding, StepContext
from runners.actions.compose import watch_of
from runners.actions.fetching import fetched
from runners.actions.restoring import other_folders
from runners.clients.compose_settings import settings_of

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


def settings(context: StepContext, given: Mapping[str, Any]) -> Finding:
    """Probe settings.equal: what the services are started with is what they ran with. Names only: values are secret."""
    try:
        manifest = fetched(context).manifest
    except PermanentError as error:
        return Finding(passed=False, sentence=str(error))
    if manifest is None:
        return Finding(passed=True, sentence=f"Settings: {NO_MANIFEST}")
    bounds, now = watch_of(context).bounds, dict[str, str]()
    for project in manifest.projects:
        now |= settings_of(project, context.clients.compose.describe(project, bounds), context.site.address)
    other = not_as_they_ran(manifest.uses.settings, now)
    told = f"{', '.join(other[:5])}{f' and {len(other) - 5} more' if len(other) > 5 else ''}"
    sentence = f"Not as the services ran when the backup was made: {told}. Their files may lack what a shell knew"
    return Finding(passed=not other, sentence=sentence if other else f"{len(now)} settings, as the services ran")


def not_as_they_ran(ran: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of the settings that are others by now, or missing; what is new is no fault."""
    return sorted(name for name, digest in ran.items() if now.get(name) != digest)


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
