"""What `pip install` leaves on a machine: one import name, and commands that no folder beside them can break."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.more

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")


def tracked_files() -> list[str]:
    said = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in said.split("\0") if name]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a user gets it: built from the source distribution. Of a copy: tests beside this one make and remove files in
    the checkout, and the build reads every folder of it.
    """
    folder, source = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("source")
    for name in tracked_files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    subprocess.run([UV, "build", "--quiet", "--out-dir", folder, source], check=True, timeout=300)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def site_packages(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site-packages")
    subprocess.run([UV, "pip", "install", "--quiet", "--no-deps", "--target", folder, wheel], check=True, timeout=300)
    yield folder


def lay_traps(folder: Path) -> None:
    """Packages with names like those of drbot's own folders; whoever imports one of them ends."""
    for name in ("core", "store", "bot"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
    (folder / "cli.py").write_text("raise SystemExit('the wrong one')")


def test_only_one_name_is_installed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert {name.split("/")[0].split("-")[0] for name in names} == {"drbot", "drbot_chatops"}


def test_every_file_of_the_repository_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tracked = tracked_files()
    linked = ("bot/", "commands/", "runners/")
    wanted = {f"drbot/{name}" for name in tracked if name.startswith(linked)}
    wanted |= {name for name in tracked if name.startswith("drbot/") and not (ROOT / name).is_symlink()}

    assert wanted - names == set()
    assert "drbot/slack_simulator/manifest.yml" in names


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a new environment, with what requirements.lock says and nothing else."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True, timeout=300)
    install: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", environment / "bin" / "python"]
    subprocess.run([*install, "--require-hashes", "-r", ROOT / "requirements.lock"], check=True, timeout=600)
    subprocess.run([*install, "--no-deps", wheel], check=True, timeout=300)
    return environment / "bin"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("version", 0, "0.1.0"),
        ("dr --help", 0, "Tonight"),
        ("dr list all", 0, "No incident"),
        ("check", 1, "drbot docs slack says where to get them"),
        ("docs", 0, "recovery-sites"),
        ("docs slack", 0, "SLACK_APP_TOKEN"),
        ("docs slak", 2, 'Did you mean "slack"?'),
        ("runbook list", 0, "level2-postgres"),
    ],
)
def test_it_works_from_an_environment_of_its_own(
    installed: Path, tmp_path: Path, words: str, code: int, says: str
) -> None:
    (tmp_path / "dr.yml").write_text((ROOT / "docs/configuration.md").read_text().split("```yaml\n")[1].split("```")[0])
    environment = {**os.environ, "HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none"}

    ended = subprocess.run(
        [installed / "drbot", *words.split()], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip

    said = ended.stdout + ended.stderr
    assert says in said and "Traceback" not in said, said
    assert ended.returncode == code, said


def test_every_document_that_a_message_points_to_comes_along(installed: Path) -> None:
    pointed = {
        name
        for folder in ("bot", "commands", "runners", "drbot/cli", "drbot/core", "drbot/store", "drbot/listening")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"drbot docs ([a-z][\w-]*[a-z])", path.read_text())
    }
    (inside,) = installed.parent.glob("lib/*/site-packages/drbot/docs")

    assert "slack" in pointed
    assert pointed - {path.stem for path in inside.glob("*.md")} - {"has"} == set()


@pytest.mark.parametrize("words", [["version"], ["--help"], ["check"]], ids=" ".join)
def test_it_works_in_a_folder_with_names_like_its_own(site_packages: Path, tmp_path: Path, words: list[str]) -> None:
    lay_traps(tmp_path)
    program = site_packages / "bin" / "drbot"
    environment = {**os.environ, "PYTHONPATH": str(site_packages), "HOME": str(tmp_path)}

    ended = subprocess.run(
        [sys.executable, program, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )

    said = ended.stdout + ended.stderr
    assert "the wrong one" not in said and "Traceback" not in said, said
    assert ended.returncode == (2 if words == ["check"] else 0), said  # there is no dr.yml here


@pytest.mark.long
@pytest.mark.docker
def test_it_recovers_a_system_beside_a_django_project(wheel: Path, tmp_path: Path) -> None:
    """Installed with all it needs, and with Django, into an environment of its own; the project is on the path."""
    bin_folder, measured = tmp_path / "environment" / "bin", tmp_path / "measured.json"
    subprocess.run([UV, "venv", "--quiet", tmp_path / "environment"], check=True, timeout=300)
    python = bin_folder / "python"
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, wheel, "django"], check=True, timeout=600)
    subprocess.run([bin_folder / "django-admin", "startproject", "shop", tmp_path], check=True, timeout=60)
    lay_traps(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "DJANGO_SETTINGS_MODULE": "shop.settings"}
    words = ["demo", "--auto", "--no-browser", "--home", str(ROOT / ".drbot"), "--json", str(measured)]

    ended = subprocess.run(
        [bin_folder / "drbot", *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1200
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(measured.read_text())
