"""Keeps the translators' files up to date: `make messages`, or `python -m tests.messages`.

Every sentence of the code is put into every `drbot/languages/*.po`, and those that are gone are taken out; what has no
translation yet is named. A sentence is the first argument of
`phrase`.
"""

import ast
import sys
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
RUNBOOKS = ROOT / "drbot" / "runbooks"
LANGUAGES = ROOT / "drbot" / "languages"
PRODUCT = (
    "bot",
    "commands",
    "runners",
    "drbot/core",
    "drbot/store",
    "drbot/cli",
    "drbot/lab",
    "drbot/listening",
    "drbot/slack_simulator",
)


def sentences() -> Catalog:
    """All of the code, each with the files it stands in."""
    found = Catalog(project="drbot", charset="utf-8")
    for file, call in phrases():
        if isinstance(call.args[0], ast.Constant):
            found.add(str(call.args[0].value), locations=[(str(file.relative_to(ROOT)), 0)])
    for file in sorted(RUNBOOKS.glob("*.yml")):
        for title in titles(YAML(typ="safe").load(file)):
            found.add(title, locations=[(str(file.relative_to(ROOT)), 0)])
    return found


def titles(part: object) -> Iterator[str]:
    """What a runbook calls itself and its steps, and what it asks."""
    if isinstance(part, list):
        yield from chain.from_iterable(map(titles, part))
    elif isinstance(part, dict):
        yield from (part[key] for key in ("title", "text") if isinstance(part.get(key), str))
        yield from chain.from_iterable(map(titles, part.values()))


def phrases() -> Iterator[tuple[Path, ast.Call]]:
    """Every call of `phrase`, and the file it stands in."""
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "phrase":
                yield file, node


def sources() -> list[Path]:
    """The code of the product."""
    return sorted(file for folder in PRODUCT for file in (ROOT / folder).rglob("*.py"))


def read(file: Path) -> Catalog:
    """The catalogue of a translator's file."""
    with file.open("rb") as opened:
        return read_po(opened, locale=file.stem)


def renewed(file: Path, code: Catalog) -> bytes:
    """The file as it should be: the code's sentences in order, with the translations that were there."""
    there = read(file)
    there.update(code, no_fuzzy_matching=True, update_header_comment=False)
    there.obsolete.clear()
    written = BytesIO()
    write_po(written, there, width=120, sort_output=True, include_lineno=False, omit_header=False)
    lines = written.getvalue().splitlines(keepends=True)
    return b"".join(
        line for line in lines if not line.startswith((b'"POT-Creation', b'"PO-Revision', b'"Generated-By'))
    )


def untranslated(file: Path) -> Iterator[str]:
    """Sentences that nobody has translated yet."""
    return (str(one.id) for one in read(file) if one.id and not one.string)


def main() -> int:
    """Renews every file; says what is missing. Ends with 1 if something is."""
    code, missing = sentences(), 0
    for file in sorted(LANGUAGES.glob("*.po")):
        file.write_bytes(renewed(file, code))
        left = list(untranslated(file))
        missing += len(left)
        print(f"{file.relative_to(ROOT)}: {len(code)} sentences, {len(left)} without a translation")
        for sentence in left[:20]:
            print(f"  {sentence!r}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
