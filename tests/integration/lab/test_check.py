"""`drbot check` says what would fail that night, in words that lead to it: on a real lab and a strict local Slack."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from drbot.cli.demo_stack import manifest_path
from drbot.cli.main import app
from drbot.core.site.configuration import load_configuration
from drbot.core.site.readiness import Colour, Line, bad, good, soon
from drbot.lab.breakage import break_it
from drbot.lab.system import Lab
from drbot.runners.backups.make_dump import back_up_postgres
from drbot.runners.backups.make_full import back_up_full
from drbot.runners.clients.clients import clients_of
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never
from drbot.runners.second_factor.totp_secrets import TotpSecrets
from drbot.runners.upkeep.readiness_keeper import look
from drbot.slack_simulator.people import APP_TOKEN, BOT_TOKEN
from drbot.slack_simulator.server import SlackSimulator
from drbot.store.records import inventories, readiness
from tests.integration.runners.worker_fixture import worker_fixture_in
from tests.labs import mend

pytestmark = pytest.mark.docker

NAMES = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL", "DATABASE_URL", "REDIS_URL")


@pytest.fixture(scope="module")
def tokens() -> Iterator[dict[str, str]]:
    """Those of a local Slack that is there."""
    simulator = SlackSimulator(manifest_path())
    simulator.start()
    yield {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": simulator.api_url}
    simulator.stop()


@pytest.fixture
def document(lab: Lab, tmp_path: Path) -> Path:
    """The lab's dr.yml with a folder of backups of this test's own."""
    mend(lab)
    changed = YAML().load(lab.configuration.read_text())
    changed["backups"]["directory"] = str(tmp_path / "backups")
    (tmp_path / "backups").mkdir()
    path = tmp_path / "dr.yml"
    with path.open("w") as output:
        YAML().dump(changed, output)
    return path


def checked(document: Path, **environment: str) -> tuple[int, str]:
    """Exit code, and the lines."""
    words = ["check", "--config", str(document), "--home", str(document.parent / "home")]
    result = CliRunner().invoke(app, words, env={**dict.fromkeys(NAMES), **environment})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    lines = [line for line in result.output.splitlines() if line[:2] in ("✓ ", "! ", "✗ ")]  # the local Slack logs, too
    return result.exit_code, "\n".join(lines)


def test_a_worker_keeps_looking_at_the_same_and_writes_it_down(
    document: Path, tokens: dict[str, str], tmp_path: Path
) -> None:
    _, text = checked(document, **tokens)
    (tmp_path / "state").mkdir()
    made = worker_fixture_in(tmp_path / "state")
    configuration = load_configuration(document).configuration

    look(replace(made.worker_context, configuration=configuration))

    with made.database.read() as connection:
        seen, consists_of = readiness.list_of(connection), inventories.of_site(connection, "production")
    made.database.close()
    assert {one.service for one in consists_of.services} >= {"postgres", "redis", "auth-service", "front-user"}
    assert {one.source for one in seen} == {"production"}
    assert [one.line.what for one in seen if one.line.colour is Colour.RED] == [
        "backup of PostgreSQL", "full backup",
    ]  # fmt: skip
    same = ("production: ", "backup of", "full backup", "3-2-1")  # the approvers are those of its own roster
    of_site = {line[2:] for line in text.splitlines() if line[2:].startswith(same)}
    noted = {f"{one.line.what}: {one.line.sentence}" for one in seen}
    assert of_site == {line for line in noted if line.startswith(same)}


def back_up(document: Path) -> None:
    """Of both kinds, into the folder."""
    configuration = load_configuration(document).configuration
    clients = clients_of(configuration.site(), configuration, RunnerSettings.from_environment(document.parent, {}))
    back_up_postgres(configuration, "production", clients=clients)
    back_up_full(configuration, "production", clients=clients)
    clients.close()


def readiness_of(tmp_path: Path, *lines: Line) -> Result:
    """`drbot readiness`, after a worker saw these."""
    document = tmp_path / "dr.yml"
    document.write_text(
        "system: shop\nsites: {production: {}}\nbackups: {directory: backups}\n"
        "people: {aiko: {name: Aiko, roles: [approver]}, ben: {name: Ben, roles: [approver]}}\n"
    )
    (tmp_path / "home").mkdir()
    made = worker_fixture_in(tmp_path / "home")
    with made.database.write() as tx:
        readiness.saw(tx, "production", lines)
    made.database.close()
    words = ["readiness", "--config", str(document), "--home", str(tmp_path / "home")]
    return CliRunner().invoke(app, words, env=dict.fromkeys(NAMES))


@pytest.mark.parametrize(
    ("line", "code"),
    [(good("x", "it would do"), 0), (bad("x", "it is gone", "Make it."), 1), (soon("x", "it ends", "Renew it."), 2)],
    ids=lambda value: value.colour.value if isinstance(value, Line) else str(value),
)
def test_a_script_reads_in_the_exit_code_what_workers_saw(tmp_path: Path, line: Line, code: int) -> None:
    result = readiness_of(tmp_path, line)

    assert result.exit_code == code, result.output
    assert (line.reason in result.output) is (code != 0)


def test_a_person_reads_the_worst_first(tmp_path: Path) -> None:
    said = readiness_of(tmp_path, soon("x", "it ends", "Renew it."), bad("y", "it is gone", "Make it.")).output

    assert said.index("it is gone") < said.index("it ends")


def test_a_host_with_everything_passes_and_one_without_backups_does_not(document: Path, tokens: dict[str, str]) -> None:
    code, text = checked(document, **tokens)
    assert code == 1
    assert "drbot backup postgres makes one" in text
    assert "drbot backup full makes one" in text
    assert text.count("✗") == 2

    back_up(document)
    code, text = checked(document, **tokens)

    assert code == 0, text
    for said in ("all 7 work", "all 7 services have one", "opens Socket Mode", "#dr-ops", "may dump and restore"):
        assert said in text


@pytest.mark.more
def test_a_worker_needs_no_tokens_but_half_of_them_and_wrong_ones_are_a_mistake(
    document: Path, tokens: dict[str, str]
) -> None:
    back_up(document)

    code, text = checked(document)
    assert code == 0, text
    code, text = checked(document, SLACK_BOT_TOKEN="xoxb-1")
    assert code == 1
    assert "SLACK_APP_TOKEN is missing" in text
    code, text = checked(document, **tokens | {"SLACK_BOT_TOKEN": "xoxb-revoked"})
    assert code == 1
    assert "invalid_auth" in text


@pytest.mark.long
def test_a_service_that_does_not_work_and_a_project_that_is_gone_are_named(document: Path, lab: Lab) -> None:
    back_up(document)
    break_it(lab, "auth-down")
    project = f"{lab.prefix}ai-micro-front-user"
    (lab.projects / project).rename(lab.folder / "elsewhere")

    code, text = checked(document)
    (lab.folder / "elsewhere").rename(lab.projects / project)

    assert code == 1
    assert "auth: " in text
    assert f"✗ production: {project}: no compose file in" in text


@pytest.mark.more
def test_what_would_fail_that_night_is_a_line_each_with_what_to_do(document: Path, lab: Lab) -> None:
    configuration = load_configuration(document).configuration
    back_up_postgres(configuration, "production")
    TotpSecrets(document.parent / "home").key()
    clients = clients_of(configuration.site(), configuration, RunnerSettings.from_environment(document.parent, {}))
    postgres = clients.docker.container(configuration.site().services["postgres"])
    assert postgres is not None
    role = "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    made = clients.docker.execute(postgres.id, ["psql", "-U", "postgres", "-d", "postgres", "-c", role], seconds=20)
    assert made.code == 0, made.output
    override = clients.compose.folder(configuration.site().services["auth"].project) / "docker-compose.override.yml"
    service = configuration.site().services["auth"].service
    override.write_text(f"services:\n  {service}:\n    healthcheck: {{disable: true}}\n")
    change(document, break_everything)

    code, text = checked(document)
    override.unlink()
    clients.close()

    assert code == 1
    for said in (
        "only 2 can vote: Aiko, Ben. 3 are needed",
        "no authenticator: Aiko, Ben. They type drbot dr enrol.",
        "describes no service fronty",
        "volume nowhere",
        "does not mount it, but ",
        "it is missing. Correct `files`",
        "nothing says whether it works",
        "reader is no superuser",
    ):
        assert said in text, said


@pytest.mark.long
def test_data_in_a_folder_is_found_where_a_volume_is_expected(document: Path, lab: Lab) -> None:
    configuration = load_configuration(document).configuration
    back_up_postgres(configuration, "production")
    redis = configuration.site().services["redis"]
    clients = clients_of(configuration.site(), configuration, RunnerSettings.from_environment(document.parent, {}))
    described = clients.compose.describe(redis.project, never)["services"][redis.service]
    (target,) = {mount["target"] for mount in described["volumes"]}
    override = clients.compose.folder(redis.project) / "docker-compose.override.yml"
    override.write_text(f"services:\n  {redis.service}:\n    volumes: [./data:{target}]\n")

    code, text = checked(document)
    override.unlink()
    clients.close()

    assert code == 1
    assert f"does not mount it, but {clients.compose.folder(redis.project) / 'data'}" in text
    assert "what holds its data: a volume, or a folder" in text


def break_everything(tree: Any) -> None:
    """What dr.yml can say that is not so."""
    site = tree["sites"]["production"]
    del tree["people"]["chika"]
    tree["approvals"] = {"second_factor": "totp"}
    site["services"]["front-user"]["service"] = "fronty"
    site["services"]["auth"].pop("health")
    site["redis"]["volume"] = "nowhere"
    site["files"] = ["no-such-volume"]
    site["postgres"]["user"] = "reader"


def change(document: Path, act: Any) -> None:
    """Edits dr.yml."""
    tree = YAML().load(document.read_text())
    act(tree)
    with document.open("w") as output:
        YAML().dump(tree, output)
