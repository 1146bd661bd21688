"""What compose files may bring of the worker's own host into a container: its secrets stay its own."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import DrbotError, PermanentError
from drbot.runners.clients.compose import Compose, Watch
from drbot.runners.clients.compose_reads import Allowed
from drbot.runners.clients.compose_text import filled_in
from drbot.runners.clients.handed_on import handed_on
from drbot.runners.clients.process import Bounds
from drbot.runners.foundation.watching import never
from tests.permits import permit

WATCH = Watch(bounds=Bounds(cancelled=never), on_line=lambda line: None)
DOCKER = pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
ORDINARY = """
x-common: &common {env_file: [.env, {path: ../shared/all.env, required: false}], label_file: labels}
include: [{path: ../other/compose.yml, env_file: ../other/its.env}, https://example.com/x.git]
services:
  web: {<<: *common, image: "${IMAGE:-web}", build: {context: ., dockerfile: docker/Dockerfile, ssh: [default]}}
  more: {extends: {file: ../shared/base.yml, service: one}, build: "https://example.com/x.git"}
  odd: {image: x, command: !override ["echo", "$$TOKEN"], ports: !reset []}
secrets: {mine: {file: ./mine.txt}}
configs: {plain: {content: "a"}}
"""


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """With one project, as strangers write them."""
    for name, text in {
        "shop/compose.yml": ORDINARY, "shop/.env": "TOKEN=own\n", "other/compose.yml": "services: {x: {image: x}}\n",
        "shared/base.yml": "services: {one: {image: one, env_file: one.env}}\n",
    }.items():  # fmt: skip
        file = tmp_path / "projects" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "projects"


def described(projects: Path, text: str, **options: Any) -> Compose:
    (projects / "shop" / "compose.yml").write_text(text)
    return Compose(projects, None, **options)


def test_an_ordinary_project_reads_only_what_is_the_systems(projects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "the worker's")  # the project has one of its own

    reads = Compose(projects, None).reads("shop")

    assert (reads.outside, reads.kept_from_it) == ((), ())


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("services: {web: {image: x, env_file: /w/worker.env}}", "/w/worker.env"),
        ("services: {web: {image: x, env_file: ['${WHERE:-/w}/a.env']}}", "/w/a.env"),
        ("services: {web: {image: x, env_file: [{path: ../../a.env, required: false}]}}", "a.env"),
        ("services: {web: {image: x, label_file: /w/labels}}", "/w/labels"),
        ("services: {web: {build: /w}}", "/w"),
        ("services: {web: {build: {context: ../..}}}", "."),
        ("services: {web: {build: {context: ., dockerfile: /w/Dockerfile}}}", "/w/Dockerfile"),
        ("services: {web: {build: {context: ., additional_contexts: {more: /w}}}}", "/w"),
        ("services: {web: {build: {context: ., additional_contexts: ['more=oci-layout:///w']}}}", "/w"),
        ("services: {web: {build: {context: ., ssh: ['default=/w/id']}}}", "/w/id"),
        ("services: {web: {image: x, extends: {file: /w/base.yml, service: one}}}", "/w/base.yml"),
        ("include: [/w/compose.yml]\nservices: {}", "/w/compose.yml"),
        ("include: [{path: ../other/compose.yml, env_file: /w/worker.env}]\nservices: {}", "/w/worker.env"),
        ("services: {}\nsecrets: {a: {file: /w/key}}", "/w/key"),
        ("services: {}\nconfigs: {a: {file: file:///w/key}}", "/w/key"),
        ("services: {}\n---\nservices: {web: {image: x, env_file: !override [/w/worker.env]}}", "/w/worker.env"),
    ],
)
def test_what_lies_outside_of_the_projects_is_named(projects: Path, text: str, path: str) -> None:
    outside = described(projects, text).reads("shop").outside

    assert str((projects.parent / path).absolute()).removesuffix("/.") in outside


def test_a_link_that_leads_out_is_outside(projects: Path) -> None:
    (projects / "shop" / "mine.txt").symlink_to("/etc/shadow")

    assert Compose(projects, None).reads("shop").outside == (str(projects / "shop" / "mine.txt"),)


def test_what_dr_yml_keeps_is_the_systems(projects: Path) -> None:
    text = "services: {web: {image: x, env_file: /etc/shop/app.env}}"

    assert described(projects, text, allowed=Allowed(folders=(Path("/etc/shop"),))).reads("shop").outside == ()


@pytest.mark.parametrize(
    ("text", "first", "later"),
    [
        ("services: {web: {image: x, env_file: ../all.env}}", ["projects/all.env"], []),
        ("services: {web: {image: x, env_file: [{path: ../all.env, required: false}]}}", [], ["projects/all.env"]),
        ("services: {web: {image: x, env_file: ../../data/a.env}}", ["data/a.env"], []),
        ("services: {}\nconfigs: {a: {file: ../../data/a.json}}", [], []),
        ("services: {}\nconfigs: {a: {file: ../a.json}}", [], ["projects/a.json"]),
        ("include: [../../data/compose.yml]\nservices: {}", ["data/compose.yml"], []),
        ("services: {web: {image: x, extends: {file: ../base.yml, service: one}}}", ["projects/base.yml"], []),
        (ORDINARY, ["projects/shared/base.yml", "projects/shared/one.env"], ["projects/shared/all.env"]),
    ],
)
def test_what_a_lost_host_does_not_have_when_compose_reads_it(
    projects: Path, text: str, first: list[str], later: list[str]
) -> None:
    """A full backup holds the projects' folders, which come first, and the folders of `files`, which come as data."""
    said = described(projects, text).everything("shop")

    lacking = said.lacking([projects / "shop", projects / "other"], [projects.parent / "data"])

    assert lacking.first == tuple(str(projects.parent / name) for name in first)
    assert lacking.later == tuple(str(projects.parent / name) for name in later)


def test_what_an_included_project_could_have_and_has_not_is_not_named(projects: Path) -> None:
    (projects.parent / "elsewhere").mkdir()
    (projects.parent / "elsewhere" / "compose.yml").write_text("services: {x: {image: x}}\n")

    reads = described(projects, "include: [../../elsewhere/compose.yml]\nservices: {}").reads("shop")

    assert reads.outside == (str(projects.parent / "elsewhere" / "compose.yml"),)


@pytest.mark.parametrize(
    "text",
    [
        'services: {web: {image: "x:${RESTIC_PASSWORD}"}}',
        'services: {web: {image: x, environment: ["A=$RESTIC_PASSWORD"]}}',
        "services: {web: {image: x, environment: [RESTIC_PASSWORD]}}",
        "services: {web: {image: x, environment: {RESTIC_PASSWORD: null}}}",
        "services: {web: {build: {context: ., args: [RESTIC_PASSWORD]}}}",
        "services: {}\nsecrets: {a: {environment: RESTIC_PASSWORD}}",
        "services: {web: {image: x, command: 'echo $$${RESTIC_PASSWORD:-none}'}}",
    ],
)
@DOCKER
def test_no_secret_of_the_worker_reaches_a_container(
    projects: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", "the-workers-own")
    compose = described(projects, text)

    assert "the-workers-own" not in str(compose.describe("shop", never))
    assert compose.reads("shop").kept_from_it == ("RESTIC_PASSWORD",)
    for verb, permits in (("up", []), ("create", []), ("build", []), ("recreate", [permit("service shop/web")])):
        with pytest.raises(PermanentError, match="use RESTIC_PASSWORD of the environment of drbot's worker"):
            getattr(compose, verb)("shop", ["web"], *permits, WATCH)


def test_a_file_of_variables_is_filled_in_with_no_secret_of_the_worker(projects: Path) -> None:
    compose = described(projects, "services: {web: {image: x, env_file: [a.env]}}")
    (projects / "shop" / "a.env").write_text("A=${RESTIC_PASSWORD}\nB=1\nC=$B\n")

    assert compose.reads("shop").kept_from_it == ()  # it is not there
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RESTIC_PASSWORD", "the-workers-own")
        assert compose.reads("shop").kept_from_it == ("RESTIC_PASSWORD",)


@DOCKER
def test_what_dr_yml_names_is_handed_on(projects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "for the shop")
    text = "services: {web: {image: x, environment: [SHOP_TOKEN]}}"

    compose = described(projects, text, allowed=Allowed(variables=("SHOP_TOKEN",)))

    assert compose.describe("shop", never)["services"]["web"]["environment"] == {"SHOP_TOKEN": "for the shop"}
    assert compose.reads("shop").kept_from_it == ()


@DOCKER
def test_what_only_looks_like_a_variable_stops_nothing(projects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "the worker's")
    compose = described(projects, "services: {web: {image: x, command: ['sh', '-c', 'echo $$TOKEN $$$$TOKEN']}}")

    assert compose.reads("shop").kept_from_it == ()


def test_docker_gets_what_it_needs_itself_and_no_more() -> None:
    needed = dict.fromkeys(
        ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CERT_PATH", "COMPOSE_PROFILES", "https_proxy", "NO_PROXY", "LC_ALL"),
        "/x",
    )
    secret = dict.fromkeys(
        ("RESTIC_PASSWORD", "SLACK_BOT_TOKEN", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL", "DRBOT_ALERTS_TOKEN",
         "SITE_REDIS_PASSWORD", "LD_PRELOAD"), "x",
    )  # fmt: skip

    assert handed_on((), needed | secret) == needed
    assert handed_on(["DATABASE_URL"], needed | secret) == needed | {"DATABASE_URL": "x"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$A/${A}", "a/a"), ("${B:-b}", "b"), ("${A:-b}", "a"), ("${B-${A}}", "a"), ("${A:+c}", "c"), ("${B:+c}", ""),
        ("${B:?needed}", ""), ("${C+c}", "c"), ("${C:+c}", ""), ("${C-c}", ""), ("$$A", "$A"), ("plain", "plain"),
    ],
)  # fmt: skip
def test_variables_mean_what_compose_takes_them_for(text: str, said: str) -> None:
    assert filled_in(text, {"A": "a", "C": ""}) == said


KEY = "AbCdEfGhIjKlMnOpQrStUvWx+z0123456789abcdefg="
NAMES_IT = "services: {web: {image: x, env_file: %s}}"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """What of the worker's own host is nobody's business."""
    path = tmp_path / "home" / "worker" / "key"
    path.parent.mkdir(parents=True)
    path.write_text(KEY)
    return path


@DOCKER
@pytest.mark.parametrize(
    "settings",
    ["", "COMPOSE_FILE: hidden.yml\n", "A=hidden.yml\nCOMPOSE_FILE=${A}\n",
     "COMPOSE_PATH_SEPARATOR=,\nCOMPOSE_FILE=hidden.yml,hidden.yml\n",
     'COMPOSE_FILE=hidden.yml\nA="\nCOMPOSE_FILE=compose.yml\n"\n'],
)  # fmt: skip
@pytest.mark.parametrize(
    "prefix", [b"", b"x-a: !!foo bar\n", b"x-a: !<tag:example.org,2026:a> b\n", b"x-a: \x00", "utf-16"]
)
def test_no_line_of_the_workers_files_is_repeated(
    projects: Path, key: Path, settings: str, prefix: bytes | str
) -> None:
    text = NAMES_IT % key
    raw = text.encode(prefix) if isinstance(prefix, str) else prefix + text.encode()
    (projects / "shop" / ("hidden.yml" if settings else "compose.yml")).write_bytes(raw)
    if settings:
        (projects / "shop" / "compose.yml").write_text("services: {web: {image: x}}")
        (projects / "shop" / ".env").write_text(settings)
    compose, heard = Compose(projects, None), list[str]()
    listening = Watch(bounds=Bounds(cancelled=never), on_line=heard.append)
    stopping = partial(compose.stop, "shop", ["web"], permit("service shop/web"), listening)
    for call in (partial(compose.describe, "shop", never), partial(compose.up, "shop", ["web"], listening), stopping):
        try:
            call()
        except DrbotError as error:
            heard.append(str(error))

    assert KEY not in "\n".join(heard)
    assert heard


@DOCKER
def test_a_link_in_the_place_of_env_repeats_nothing_either(projects: Path, key: Path) -> None:
    (projects / "shop" / ".env").unlink()
    (projects / "shop" / ".env").symlink_to(key)

    with pytest.raises(PermanentError) as told:
        described(projects, "services: {web: {image: x}}").describe("shop", never)

    assert KEY not in str(told.value)
    assert "its words are kept back" in str(told.value)


@DOCKER
def test_a_drill_reads_nothing_of_productions_data_to_make_a_project(projects: Path) -> None:
    """On a host that was lost it is not there yet: the drill would pass where the recovery fails."""
    data = projects.parent / "data"
    data.mkdir()
    (data / "app.env").write_text("A=1\n")
    text = f"services: {{web: {{image: x, env_file: {data}/app.env}}}}"
    compose = described(projects, text, allowed=Allowed(folders=(data,)))
    compose.guard = lambda _, project, document, services: document

    with pytest.raises(PermanentError, match=r"app.env, outside of the projects: move it into the project's folder"):
        compose.up("shop", ["web"], WATCH)


@DOCKER
def test_what_is_wrong_with_the_systems_own_files_is_told(projects: Path) -> None:
    with pytest.raises(PermanentError, match="refers to undefined network"):
        described(projects, "services: {web: {image: x, networks: [other]}}").describe("shop", never)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ("A: /w/key\n", "services: {web: {image: x, env_file: '${A}'}}"),
        ('A="/w\\x2fkey"\n', "services: {web: {image: x, env_file: '${A}'}}"),
        ("B=/w/key\nA=${B}\n", "services: {web: {image: x, env_file: '${A}'}}"),
        ('A=b\nC="\nA=a\n"\n', "services: {web: {image: x, env_file: '${A}'}}"),
    ],
)
def test_a_path_by_a_variable_whose_file_says_more_than_we_understand(projects: Path, settings: str, text: str) -> None:
    (projects / "shop" / ".env").write_text(settings)

    assert described(projects, text).reads("shop").unread == (str(projects / "shop" / ".env"),)


def test_a_file_that_we_cannot_read_starts_nothing_new(projects: Path) -> None:
    compose = described(projects, "services: {web: {image: 'x}}")

    assert compose.reads("shop").unread == (str(projects / "shop" / "compose.yml"),)


def test_the_usual_dockerfile_is_looked_at_too(projects: Path) -> None:
    (projects / "shop" / "Dockerfile").symlink_to("/w/key")

    assert described(projects, "services: {web: {build: .}}").reads("shop").outside == (
        str(projects / "shop" / "Dockerfile"),
    )


def test_variables_in_each_other_come_to_an_end() -> None:
    assert filled_in("${A}", {"A": "${A}x"}) == "${A}x"


@pytest.mark.parametrize("verb", ["up", "create", "build", "stop", "pull"])
def test_no_program_of_the_host_is_started(projects: Path, verb: str) -> None:
    compose = described(projects, "services: {web: {provider: {type: ./mine}}}")
    permits = [permit("service shop/web")] if verb == "stop" else []

    with pytest.raises(PermanentError, match=r"have \./mine started on the worker's own host"):
        getattr(compose, verb)("shop", ["web"], *permits, WATCH)


@pytest.mark.parametrize(
    "name",
    ["compose.yaml", "docker-compose.yml", "compose.override.yaml", "docker-compose.override.yml", "host.yml", ".env",
     ".env.local", "app.env"],
)  # fmt: skip
def test_whatever_a_project_may_be_started_from_is_in_the_fingerprint(tmp_path: Path, name: str) -> None:
    file = tmp_path / "shop" / name
    file.parent.mkdir()
    file.touch()

    assert Compose(tmp_path, None).files("shop") == (file,)
