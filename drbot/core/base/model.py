"""A frozen piece of a file that people or drbot write; an unknown key is an error."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0, lt=2**63)]
"""Bytes, rows or keys: more than that nobody has, and no clock or database reckons with it."""


class Model(BaseModel):
    """Frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
