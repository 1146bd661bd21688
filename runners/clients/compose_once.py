"""Compose for one survey, which asks several things of the same files: each project is read once."""

from collections.abc import Mapping
from typing import Any

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.compose import EVERY_PROFILE, Compose
from drbot.runners.foundation.once import Once
from drbot.runners.foundation.watching import Cancelled


class ReadOnce(Compose):
    """The same as another one. A project that is described from another place is read anew."""

    def __init__(self, compose: Compose, once: Once) -> None:
        self.__dict__.update(vars(compose))
        self._once = once

    def describe(self, project: str, cancelled: Cancelled, *options: str) -> dict[str, Any]:
        if not options and self._is_without_profiles(project, cancelled):
            options = (EVERY_PROFILE,)  # then both say the same
        what = ("compose", project, self.places().get(project), options)
        return self._once.of(what, lambda: super(ReadOnce, self).describe(project, cancelled, *options))

    def _is_without_profiles(self, project: str, cancelled: Cancelled) -> bool:
        try:
            services: Mapping[str, Any] = self.describe(project, cancelled, EVERY_PROFILE).get("services") or {}
        except PermanentError:  # what is wrong may be in a profile that nobody asks for
            return False
        return not any(one.get("profiles") for one in services.values())
