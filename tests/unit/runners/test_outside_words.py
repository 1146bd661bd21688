"""Words from outside reach a program as values and never as its options; one test per program, with the real ones."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from drbot.core.base.errors import PermanentError, TemporaryError
from drbot.core.site.site import Certificate, Postgres, Provision, Repository, Service
from drbot.runners.clients import git, host_packages
from drbot.runners.clients.certbot import Certbot
from drbot.runners.clients.compose import Compose, Watch
from drbot.runners.clients.process import Bounds, run_process
from drbot.runners.clients.terraform import Terraform
from drbot.runners.foundation.watching import never
from tests.permits import own, permit

BOUNDS = Bounds(cancelled=lambda: False)
WATCH = Watch(bounds=BOUNDS, on_line=lambda line: None)
HASH = "a" * 40


def trap(tmp_path: Path) -> tuple[Path, str]:
    """A program that must not run, and the file that shows that it did."""
    mark = tmp_path / "it-ran"
    program = tmp_path / "evil"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    return mark, str(program)


@pytest.mark.parametrize("values", [["--help"], ["-x"], [""], ["a\nb"], ["a\0b"], ["ok", "--rm"]])
def test_a_value_that_could_be_an_option_starts_nothing(values: list[str]) -> None:
    lines: list[str] = []

    with pytest.raises(PermanentError, match="cannot be passed to echo"):
        run_process(["echo"], BOUNDS, lines.append, values=values)

    assert lines == []


def test_values_come_last_and_behind_the_end_of_options() -> None:
    ended = run_process(["sh", "-c", 'printf "%s|" "$@"', "sh"], BOUNDS, lambda line: None, values=["one", "two words"])

    assert ended.lines == ("--|one|two words|",)


@pytest.mark.parametrize("place", ["url", "commit"])
def test_git_takes_neither_url_nor_commit_for_an_option(tmp_path: Path, place: str) -> None:
    mark, program = trap(tmp_path)
    url, commit = f"file://{tmp_path}/none.git", HASH
    if place == "url":
        url = f"--upload-pack={program}"
    else:
        commit = f"--upload-pack={program}"
    with pytest.raises(PermanentError, match=r"cannot be passed to git|is no commit"):
        git.clone(url, commit, tmp_path / "system", own(), WATCH)

    assert not mark.exists()


@pytest.mark.parametrize("commit", ["main", "HEAD", "+refs/heads/main:refs/heads/main", f"{HASH} ", HASH[:12]])
def test_git_is_given_whole_hashes_only(tmp_path: Path, commit: str) -> None:
    with pytest.raises(PermanentError, match="is no commit"):
        git.clone("file:///nowhere", commit, tmp_path / "system", own(), WATCH)


def test_git_speaks_no_protocol_that_is_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark, program = trap(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")  # a host where somebody allowed it
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.ext.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "always")

    with pytest.raises(PermanentError, match="not allowed"):
        git.clone(f"ext::{program}", HASH, tmp_path / "system", own(), WATCH)

    assert not mark.exists()


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
@pytest.mark.parametrize("verb", ["up", "stop", "restart", "recreate", "pull", "build"])
def test_docker_compose_takes_no_service_for_an_option(tmp_path: Path, verb: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "compose.yml").write_text("services: {web: {image: none}}\n")
    permits = [permit("service shop/--help")] if verb in ("stop", "restart", "recreate") else []

    with pytest.raises(PermanentError, match="cannot be passed to docker"):
        getattr(Compose(tmp_path, None), verb)("shop", ["--help"], *permits, WATCH)


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
def test_docker_compose_takes_no_project_for_an_option(tmp_path: Path) -> None:
    (tmp_path / "--help").mkdir()
    (tmp_path / "--help" / "compose.yml").write_text("services: {web: {image: none}}\n")

    with pytest.raises(PermanentError, match="invalid project name"):
        Compose(tmp_path, None).describe("--help", never)


@pytest.mark.skipif(shutil.which("certbot") is None, reason="certbot is not installed")
@pytest.mark.parametrize("place", ["names", "email", "directory"])
def test_certbot_takes_no_name_mail_or_server_for_an_option(tmp_path: Path, place: str) -> None:
    mark, program = trap(tmp_path)
    good = Certificate(names=("a.example",), email="a@example.com", directory="http://127.0.0.1:9/directory")
    bad = f"--pre-hook={program}"
    settings = good.model_copy(update={place: (bad,) if place == "names" else bad})

    lines: list[str] = []
    with pytest.raises(TemporaryError, match="certbot ended"):
        Certbot(settings, tmp_path / "acme").issue(None, BOUNDS, lines.append)

    assert not mark.exists()
    assert "expected one argument" not in " ".join(lines)


def test_terraform_gets_values_as_variables_of_the_environment(tmp_path: Path) -> None:
    program = tmp_path / "terraform"
    program.write_text('#!/bin/sh\necho "$*" >> "$0.words"\necho "{}"\n')
    program.chmod(0o755)
    folder = tmp_path / "-destroy"

    Terraform(Provision(terraform=folder), str(program)).apply({"token": "-destroy"}, BOUNDS, lambda line: None)

    words = (tmp_path / "terraform.words").read_text().splitlines()
    assert len(words) == 5
    assert all(
        line.startswith(f"-chdir={folder} ") and "-destroy" not in line.replace(str(folder), "") for line in words
    )


def test_apt_get_takes_no_file_for_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-o").mkdir()
    (tmp_path / "-o" / "x.deb").touch()

    command = host_packages.command(Path("-o"), WATCH)

    assert command[-2:] == ["--", str(tmp_path / "-o" / "x.deb")]


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (Service, {"project": "--help", "service": "web", "role": "app"}),
        (Service, {"project": "shop", "service": "--rmi", "role": "app"}),
        (Service, {"project": "../shop", "service": "web", "role": "app"}),
        (Postgres, {"volume": "-v", "databases": ["a"]}),
        (Postgres, {"volume": "pgdata", "databases": ["a"], "user": "--dbname=x"}),
        (Repository, {"url": "--upload-pack=x", "commit": HASH}),
        (Repository, {"url": "https://git.example/a", "commit": "--upload-pack=x"}),
        (Certificate, {"names": ["-d"], "email": "a@example.com"}),
        (Certificate, {"names": ["a.example"], "email": "--pre-hook"}),
    ],
)
def test_dr_yml_refuses_what_looks_like_an_option(model: type, given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        model(**given)
