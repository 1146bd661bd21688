"""`drbot check` says what is there and what is missing, in words that lead to it."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from cli.main import app
from core.configuration import load_configuration
from lab.breakage import break_it
from lab.system import Lab
from runners.backup import back_up_postgres
from tests.houses import LabFactory

pytestmark = pytest.mark.docker

TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


@pytest.fixture(scope="module")
def lab(lab_factory: LabFactory) -> Lab:
    return lab_factory("check")


@pytest.fixture
def document(lab: Lab, tmp_path: Path) -> Path:
    """The lab's dr.yml with a folder of backups of this test's own."""
    lab.reset()
    lab.up(print)
    changed = YAML().load(lab.configuration.read_text())
    changed["backups"]["directory"] = str(tmp_path / "backups")
    (tmp_path / "backups").mkdir()
    path = tmp_path / "dr.yml"
    with path.open("w") as output:
        YAML().dump(changed, output)
    return path


def checked(document: Path, **environment: str) -> tuple[int, str]:
    """Exit code, and the text without the table's lines and breaks."""
    words = ["check", "--config", str(document), "--home", str(document.parent / "home")]
    result = CliRunner().invoke(app, words, env={**dict.fromkeys(TOKENS), **environment})
    return result.exit_code, re.sub(r"[\s│]+", " ", result.output)


def test_a_host_with_everything_passes_and_one_without_backups_does_not(document: Path) -> None:
    code, text = checked(document, **TOKENS)
    assert code == 1
    assert "drbot backup postgres makes one" in text

    configuration = load_configuration(document).configuration
    back_up_postgres(configuration, "production")
    code, text = checked(document, **TOKENS)

    assert code == 0, text
    assert "all 7 work" in text
    assert "tokens are set" in text


def test_a_worker_needs_no_tokens_but_half_of_them_are_a_mistake(document: Path) -> None:
    back_up_postgres(load_configuration(document).configuration, "production")

    code, text = checked(document)
    assert code == 0, text
    code, text = checked(document, SLACK_BOT_TOKEN="xoxb-1")
    assert code == 1
    assert "SLACK_APP_TOKEN is missing" in text
    code, text = checked(document, SLACK_BOT_TOKEN="xoxb-1", SLACK_SIGNING_SECRET="s")
    assert code == 0, text


def test_a_service_that_does_not_work_and_a_project_that_is_gone_are_named(document: Path, lab: Lab) -> None:
    back_up_postgres(load_configuration(document).configuration, "production")
    break_it(lab, "auth-down")
    (lab.projects / f"{lab.prefix}ai-micro-front-user").rename(lab.folder / "elsewhere")

    code, text = checked(document)

    assert code == 1
    assert "auth: " in text
    assert f"no folder for {lab.prefix}ai-micro-front-user" in text.replace("- ", "-")
