"""The language that drbot speaks to a system's people, as dr.yml names it."""

from typing import Annotated

from pydantic import AfterValidator

from drbot.core.text.catalogue import languages
from drbot.core.text.messages import listed, phrase


def _known_language(code: str) -> str:
    if code not in languages():
        raise ValueError(
            phrase("there is no language {code}: {known} (drbot docs languages)", code=code, known=listed(languages()))
        )
    return code


Language = Annotated[str, AfterValidator(_known_language)]
"""A language that drbot speaks: `languages/CODE.po`."""
