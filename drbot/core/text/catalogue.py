"""The languages drbot speaks: one file of translations for each, its own and those of a folder of one's own.

A file is `CODE.po`, as every translator's tool reads and writes it; `make messages` keeps it up to date. A folder of
one's own (`DRBOT_LANGUAGES`) adds a language, or other words for one that is there.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

SHIPPED = Path(__file__).parents[2] / "languages"
OWN = "DRBOT_LANGUAGES"


@cache
def languages() -> tuple[str, ...]:
    """Codes, English first."""
    found = {file.stem for folder in _folders() for file in folder.glob("*.po")}
    return "en", *sorted(found - {"en"})


def translated(template: str, language: str) -> str:
    """The template of this language; the English one where there is none."""
    return translations(language).get(template, template)


@cache
def translations(language: str) -> Mapping[str, str]:
    """English sentence → what this language says; later folders win."""
    files = [folder / f"{language}.po" for folder in _folders()]
    return {english: said for file in files if file.is_file() for english, said in _read(file).items()}


def _folders() -> tuple[Path, ...]:
    own = os.environ.get(OWN)
    return (SHIPPED, Path(own)) if own else (SHIPPED,)


def _read(file: Path) -> dict[str, str]:
    with file.open("rb") as opened:
        catalogue = read_po(opened)
    return {str(one.id): str(one.string) for one in catalogue if one.id and one.string and not one.fuzzy}
