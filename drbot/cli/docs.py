"""`drbot docs`: the documents that messages point to, on this machine: the night has perhaps no network."""

from pathlib import Path
from pydoc import pager
from typing import Annotated

import typer

from drbot.cli.terminal import plain_console, table_of
from drbot.core.base.errors import UserError
from drbot.core.base.yaml_file import did_you_mean
from drbot.core.text.messages import listed, phrase, sentences

PACKAGE = Path(__file__).parents[1]
Page = Annotated[str, typer.Argument(help="Which one (default: a list of them)")]


def docs(page: Page = "") -> None:
    """Read a document of this version, such as `drbot docs slack`."""
    pages = {path.stem: path for path in sorted(folder().glob("*.md"))}
    if not page:
        table = table_of(phrase("document"), phrase("about"), framed=False)
        for name, path in pages.items():
            table.add_row(name, path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "))
        plain_console().print(table)
        return
    name = page.removeprefix("docs/").removesuffix(".md")
    if name not in pages:
        why = sentences(phrase("There is none of that name."), did_you_mean(name, list(pages)))
        raise UserError(
            phrase('Looking for the document "{name}".', name=name),
            why,
            phrase("There are: {names}.", names=listed(pages)),
        )
    pager(pages[name].read_text(encoding="utf-8"))


def folder() -> Path:
    """Where they are: inside the installed package, or at the top of the repository."""
    inside = PACKAGE / "docs"
    return inside if inside.is_dir() else PACKAGE.parent / "docs"
