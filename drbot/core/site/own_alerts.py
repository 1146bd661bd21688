"""Alerts of dr.yml: those that open an incident by themselves, and how far each may go."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from drbot.core.base.model import Model
from drbot.core.base.names import Word
from drbot.core.site.level import Level


def _highest_levels(given: object) -> object:
    """Names alone may declare level 1."""
    return dict.fromkeys(given, int(Level.SERVICE)) if isinstance(given, (list, tuple)) else given


class Alerts(Model):
    """`declare`: by the alert's name, the highest level that its label may reach."""

    declare: Annotated[Mapping[Word, Level], BeforeValidator(_highest_levels)] = Field(default_factory=dict)
