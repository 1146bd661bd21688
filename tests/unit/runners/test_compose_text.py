"""Files that Compose reads in another way than they look: what it takes from outside of the projects is seen all the
same, and none of them keeps the worker busy.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.core.site.site import ComposeFiles, Service, Site
from drbot.runners.clients.compose import Compose, Watch
from drbot.runners.clients.compose_reads import Allowed, Everything, reads_of, unheard
from drbot.runners.clients.compose_text import MOST_BYTES, filled_in, parsed, settings_of
from drbot.runners.clients.container_labels import CONFIG_FILES, PROJECT, WORKING_DIR
from drbot.runners.clients.process import Bounds
from drbot.runners.clients.project_places import places_of
from drbot.runners.foundation.watching import never

DOCKER = pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
ANCHOR = "x-a: &a {env_file: ../../w.env}\n"
BY_P = 'services: {web: {image: x, env_file: "${P:-ok.env}"}}'


def named(path: str) -> dict[str, str]:
    return {"compose.yml": f"services: {{web: {{image: x, env_file: '{path}'}}}}"}


def written(tmp_path: Path, files: Mapping[str, str]) -> Path:
    """The folder of one project among others; what is secret lies beside them all."""
    folder = tmp_path / "projects" / "shop"
    for name, text in {"ok.env": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    (tmp_path / "w.env").write_text("SECRET=of-the-worker\n")
    return folder


def everything_in(folder: Path) -> Everything:
    return reads_of(folder, [folder / "compose.yml"], (), {})


@DOCKER
@pytest.mark.parametrize(
    "files",
    [
        *map(named, ("github.com/../../../w.env", "git@/../../../w.env", "service:/../../../w.env",
                     "target:/../../../w.env", "https:/../../../w.env", "${A:-../../{x/../w.env}",
                     "${A:-${B:-../../w.env}}")),
        {"compose.yml": "services:\n  web:\n    image: x\n    env_file: !!binary Li4vLi4vdy5lbnY=\n"},
        {"compose.yml": "services:\n  web:\n    image: x\n    !!binary ZW52X2ZpbGU=: ../../w.env\n"},
        {"compose.yml": ANCHOR + "services:\n  web:\n    image: x\n    ! <<: *a\n"},
        {"compose.yml": "%TAG ! tag:yaml.org,2002:\n---\n" + ANCHOR + "services:\n  web: {image: x, !merge <<: *a}\n"},
        {"compose.yml": ANCHOR + "services:\n  web:\n    image: x\n    <<: *a\n    env_file: !reset null\n"},
        {"compose.yml": ANCHOR + "x-b: &b\n  <<: *a\n  env_file: !reset x\nservices:\n  web: {image: x, <<: [*b]}\n"},
        {"compose.yml": "include: [{path: more.yml, env_file: more.env}]", "more.yml": BY_P, "more.env": "Q=1\n",
         ".env": "P=../../w.env\n"},
        {"compose.yml": "include: [more/c.yml]", "more/c.yml": BY_P, "more/.env": "P=../ok.env\n",
         ".env": "P=../../../w.env\n"},
        {"compose.yml": BY_P, ".env": "P=./#/../../../w.env\n"},
        {"compose.yml": BY_P, ".env": "P=../../w.env\nZ=1\rP=ok.env\n"},
    ],
)  # fmt: skip
def test_what_compose_reads_beyond_the_projects_is_seen_however_it_is_written(
    tmp_path: Path, files: Mapping[str, str]
) -> None:
    folder = written(tmp_path, files)
    command = ["docker", "compose", f"--project-directory={folder}", f"--file={folder}/compose.yml", "config"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout

    reads = everything_in(folder).beyond([tmp_path / "projects"], ())

    assert "of-the-worker" in said
    assert reads.beyond_us


@pytest.mark.parametrize("kind", ["include: ['{}']", "services: {{web: {{extends: {{file: '{}', service: web}}}}}}"])
@pytest.mark.parametrize("place", ["git://example.com/x.git", "git@example.com:x.git", "oci://example.com/x"])
def test_what_compose_would_fetch_is_a_file_that_nobody_has_looked_at(tmp_path: Path, kind: str, place: str) -> None:
    """It may name any file of this host."""
    folder = written(tmp_path, {"compose.yml": kind.format(place)})

    assert everything_in(folder).unread == {folder / "compose.yml"}


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {build: {context: 'git@/../../../w'}}}",
        "services: {web: {build: {context: ., cache_to: ['type=local,dest=../../w']}}}",
        "services: {web: {build: {context: ., cache_from: ['type=local,src=../../w']}}}",
        "services: {web: {build: {context: ., cache_to: ['type=local,\"dest=../../w\"']}}}",
        "services: {web: {build: {context: ., cache_to: ['type=local, DEST=../../w']}}}",
    ],
)
def test_a_build_that_leaves_the_projects_is_seen(tmp_path: Path, text: str) -> None:
    reads = everything_in(written(tmp_path, {"compose.yml": text})).beyond([tmp_path / "projects"], ())

    assert str(tmp_path / "w") in reads.outside


AUTH = "DOCKER_AUTH_CONFIG"
TO_WEB = "services: {{web: {{image: x, environment: {}}}}}"
FROM_FILE = "services: {web: {image: x, env_file: app.env}}"


@DOCKER
@pytest.mark.parametrize(
    "files",
    [
        {"compose.yml": TO_WEB.format(f"[{AUTH}]")},
        {"compose.yml": TO_WEB.format(f'["A=${{{AUTH}}}"]')},
        {"compose.yml": TO_WEB.format('["${K}"]'), ".env": f"K={AUTH}\n"},
        {"compose.yml": TO_WEB.format('{A: "\\x24{DOCKER\\x5fAUTH_CONFIG}"}')},
        {"compose.yml": TO_WEB.format(f"[{AUTH}]"), ".env": f"{AUTH}=x\n"},
        {"compose.yml": TO_WEB.format('["A=$Q"]'), ".env": f"P=1\nQ=${{{AUTH}}}${{P}}\n"},
        {"compose.yml": FROM_FILE, "app.env": f"{AUTH}\n"},
        {"compose.yml": FROM_FILE, "app.env": f"export {AUTH}\n"},
        {"compose.yml": FROM_FILE, "app.env": f"Q=${{{AUTH}}}\n{AUTH}=x\n"},
    ],
)
def test_passwords_of_registries_reach_no_container_however_their_name_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Mapping[str, str]
) -> None:
    monkeypatch.setenv(AUTH, "of-the-worker")
    written(tmp_path, {"app.env": "", **files})

    assert "of-the-worker" not in str(Compose(tmp_path / "projects", None).describe("shop", never))


def test_nor_by_the_socket_with_the_passwords_of_dockers_own_user(tmp_path: Path) -> None:
    written(tmp_path, {"compose.yml": "services: {web: {image: x, use_api_socket: true}}"})

    reads = Compose(tmp_path / "projects", None).reads("shop")

    assert reads.outside == (str(Path.home() / ".docker" / "config.json"),)


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {image: x, env_file: ../drbot/worker/key}}",
        "services: {web: {image: x}}\nconfigs: {c: {file: ../drbot/worker/totp.json}}",
        "services: {web: {build: {context: ..}}}",
        "include: [../drbot/worker/key]",
    ],
)
def test_what_the_worker_signs_with_is_used_by_no_project_though_it_lies_among_them(tmp_path: Path, text: str) -> None:
    written(tmp_path, {"compose.yml": text})
    own = tmp_path / "projects" / "drbot" / "worker"
    own.mkdir(parents=True)
    (own / "key").write_text("secret\n")
    compose = Compose(tmp_path / "projects", None, allowed=Allowed(never=own))

    assert compose.reads("shop").own
    with pytest.raises(PermanentError, match="where drbot keeps what it signs with"):
        compose.create("shop", [], Watch(bounds=Bounds(cancelled=never), on_line=unheard))


@pytest.mark.parametrize("said", ["[default]", "[default, other=k]", "{default: }"])
def test_the_keys_of_the_workers_own_agent_are_used_by_no_build(tmp_path: Path, said: str) -> None:
    folder = written(tmp_path, {"compose.yml": f"services: {{web: {{build: {{context: ., ssh: {said}}}}}}}"})

    reads = reads_of(folder, [folder / "compose.yml"], (), {"SSH_AUTH_SOCK": "/run/agent"})

    assert Path("/run/agent") in reads.files


BESIDE_ITSELF = "".join(f"x-{n}: &b{n} [{', '.join(10 * [f'*b{n - 1}'])}]\n" for n in range(1, 40))
MERGED = "".join(f"x-{n}: &b{n} {{<<: [{', '.join(10 * [f'*b{n - 1}'])}]}}\n" for n in range(1, 40))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "files",
    [
        {"compose.yml": BY_P, ".env": "P=" + 100_000 * " " + '"\n'},
        {"compose.yml": BY_P, ".env": 200_000 * "\n"},
        {"compose.yml": BY_P, ".env": "P=" + 100 * "$P" + "\n"},
        {"compose.yml": BY_P.replace("ok", 100 * "$P"), ".env": "P=" + 100_000 * "x"},
        {"compose.yml": BY_P, ".env": 2 * MOST_BYTES * "x"},
        {"compose.yml": "x-0: &b0 {k: v}\n" + MERGED},
        {"compose.yml": f"x-0: &b0 [v]\n{BESIDE_ITSELF}services: {{web: {{build: {{args: [*b39]}}, provider: *b39}}}}"},
        {"compose.yml": "services: &a {web: *a}\ninclude: &b [*b]\n"},
        {"compose.yml": f"services: {3000 * '['}{3000 * ']'}"},
        {"compose.yml": "include: [{path: compose.yml, project_directory: x}]", "x/compose.yml": "include: [..]"},
        *map(named, ("~nobody-here/x", 5000 * "a", "loop")),
        {"compose.yml": 'services: {web: {image: x, env_file: ["a\\0b", "\\ud800", {required: [true]}]}}'},
        {"compose.yml": f'include: ["{5000 * "a"}"]\nservices: {{web: {{image: !!bool x, build: !!int ""}}}}'},
    ],
)
def test_no_file_keeps_the_worker_busy_or_ends_its_look(tmp_path: Path, files: Mapping[str, str]) -> None:
    folder = written(tmp_path, files)
    (folder / "loop").symlink_to("loop")
    (folder / "x").mkdir(exist_ok=True)

    said = everything_in(folder)

    said.beyond([tmp_path / "projects"], ())
    said.lacking([folder], [])


def test_an_inclusion_that_goes_ever_deeper_comes_to_an_end(tmp_path: Path) -> None:
    folder = written(tmp_path, {})
    (folder / "compose.yml").write_text(f"include: [{{path: {folder}/compose.yml, project_directory: x}}]")

    assert everything_in(folder).unread == {folder / "compose.yml"}


@pytest.mark.parametrize("said", [5000 * "a", 200_000 * "a", 2000 * "a:", "a\0b", "\udcff"])
def test_names_that_no_file_has_are_none_of_a_project(tmp_path: Path, said: str) -> None:
    folder = written(tmp_path, {})
    (folder / ".env").write_bytes(f"COMPOSE_FILE={said}".encode(errors="surrogateescape"))

    compose = Compose(tmp_path / "projects", None)

    with pytest.raises(PermanentError):
        compose.describe("shop", never)
    assert compose.files("shop") == (folder / ".env", folder / "ok.env")


@DOCKER
def test_a_file_of_a_project_that_leads_to_itself_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path, named("ok.env"))
    (folder / "compose.yml").unlink()
    (folder / "compose.yml").symlink_to("compose.yml")
    place = ComposeFiles(folder="shop", files=("compose.yml",))

    with pytest.raises(PermanentError):
        Compose(tmp_path / "projects", None, places=lambda: {"shop": place}).describe("shop", never)


@DOCKER
def test_a_large_project_is_read_whole_and_one_that_is_too_large_is_told(tmp_path: Path) -> None:
    folder, compose = written(tmp_path, named("ok.env")), Compose(tmp_path / "projects", None)

    (folder / "ok.env").write_text("".join(f"A{number}=1\n" for number in range(6000)))
    read = compose.describe("shop", never)
    (folder / "ok.env").write_text("".join(f"A{number}=1\n" for number in range(60_000)))

    assert len(read["services"]["web"]["environment"]) == 6000
    with pytest.raises(PermanentError, match="it is too long"):
        compose.describe("shop", never)


@pytest.mark.parametrize("said", [5000 * "a", 300 * "a", "a\0b"])
@pytest.mark.parametrize("label", [WORKING_DIR, CONFIG_FILES])
def test_a_container_that_names_what_cannot_be_there_says_nothing_of_its_project(
    tmp_path: Path, label: str, said: str
) -> None:
    labels = {PROJECT: "shop", WORKING_DIR: str(tmp_path / "shop"), CONFIG_FILES: "", label: f"{tmp_path}/{said}"}
    site = Site(projects=tmp_path, services={"web": Service(project="shop", service="web", role="app")})

    assert places_of(site, [{"Labels": labels}]) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A=b", {"A": "b"}), ("export A = b # c\n\n# d\n", {"A": "b"}),
        ('A="b c" # d\nB=\'e\'', {"A": "b c", "B": "e"}),
        ("A=p#w\r\nB=\r\n", {"A": "p#w", "B": ""}), ("A=ä=b", {"A": "ä=b"}),
    ],
)  # fmt: skip
def test_plain_settings_are_what_they_look_like(text: str, said: dict[str, str]) -> None:
    found = settings_of(text.encode())

    assert (found.of, found.is_plain) == (said, True)


@pytest.mark.parametrize(
    "text", ["A: b", "A='b\\'", "A=b\rC=d", "A=$B", 'A="\n"', "A=b\t#C", "A=#b", "A", "ä=b", "A=b\u2028", "A=b\\"]
)
def test_settings_that_may_mean_something_else_are_not_plain(text: str) -> None:
    assert not settings_of(text.encode()).is_plain


@pytest.mark.parametrize("text", ["${A", "${A:-{}}", "${A:-$$}", "$1", "${A/b/c}", "$", "$ä", "$Aä", "${A:-${B}"])
def test_words_that_may_mean_something_else_are_unclear(text: str) -> None:
    assert filled_in(text, {"A": "a"}) is None


@pytest.mark.filterwarnings("error")
def test_a_name_that_is_given_twice_is_the_last_one_and_no_line_of_the_file_is_repeated() -> None:
    assert parsed(b"a: &a {x: '1'}\nb: &a {x: '2'}\nc: *a\n") == ({"a": {"x": "1"}, "b": {"x": "2"}, "c": {"x": "2"}},)


def test_values_are_what_is_written_and_what_is_merged_counts_less() -> None:
    text = b"a: &a {x: 1, y: 2001-01-01, z: ~}\nb: {<<: *a, x: yes}\n---\n- no document\n---\nc: !override [d]\n"

    assert parsed(text) == (
        {"a": {"x": "1", "y": "2001-01-01", "z": None}, "b": {"x": "yes", "y": "2001-01-01", "z": None}},
        {"c": ["d"]},
    )
