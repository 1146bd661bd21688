"""A verb in a terminal starts at once: whoever types it waits for nothing that it does not need.

By what is imported, which is the same on every machine; half a second of CPU is the time that is meant.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from drbot.cli.main import COMMANDS, imported
from drbot.core.files.runbook_file import PACKAGED, Runbooks, find_runbooks, runbook_folders
from tests.unit.test_documents import DOCS, text_of

SLOW = {"alembic", "boto3", "docker", "httpx", "matplotlib", "redis", "segno", "slack_sdk", "starlette"}
MOST_MODULES = 1000
PROGRAM = """
import sys
from drbot.cli.main import app
from drbot.core.files import runbook_file
try:
    app()
except SystemExit:
    pass
print(runbook_file._checked.cache_info().currsize, *sys.modules)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the dr.yml of the documents."""
    (tmp_path / "dr.yml").write_text(text_of(DOCS / "configuration.md").split("```yaml\n")[1].split("```")[0])
    return tmp_path


@pytest.mark.parametrize("words", ["--help", "dr --help", "dr status", "dr list all", "check --help", "readiness"])
def test_a_verb_imports_what_it_needs_and_reads_no_runbook(folder: Path, words: str) -> None:
    def typed() -> list[str]:
        command = [sys.executable, "-c", PROGRAM, *words.split()]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.splitlines()[-1].split()

    typed()  # the first one makes the tables, with Alembic

    runbooks_read, *modules = typed()
    assert SLOW & set(modules) == set()
    assert len(modules) < MOST_MODULES
    assert runbooks_read == "0"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_list_is_there(name: str) -> None:
    assert imported(name).name == name


@pytest.mark.parametrize("name", sorted(find_runbooks(runbook_folders(None))))
def test_every_shipped_runbook_passes_the_linter_that_a_start_leaves_out(name: str) -> None:
    assert Runbooks({name: PACKAGED / f"{name}.yml"})[name].runbook == name
