"""What `drbot init` writes of what people answer, and of what nobody answered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from ruamel.yaml import YAML

from drbot.cli.init import people_in
from drbot.cli.init_changes import changes
from drbot.cli.init_file import MISSING, Answers, Seen, text_of
from drbot.core.site.configuration import load_configuration
from drbot.core.site.inventory import Inventory, KnownService, Mount
from drbot.core.site.site import Service, Site
from drbot.runners.clients.discovery import Store

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SERVICES = tuple(KnownService(project="shop", service=name) for name in ("web", "db"))
SEEN = Seen(
    host="", folder=Path("/srv"), inventory=Inventory(services=SERVICES), stores=(), addresses={}, jobs=frozenset(),
    elsewhere={},
)  # fmt: skip


def test_whatever_people_are_called_drbot_can_read_what_it_has_written(tmp_path: Path) -> None:
    people = {"藍子": "U00AI", "ben": "U00BEN", "Chika": "U00CHIKA"}
    (tmp_path / "dr.yml").write_text(text_of(SEEN, Answers(people=people), NOW))

    loaded = load_configuration(tmp_path / "dr.yml")

    assert loaded.faults == ()
    assert {name: one.name for name, one in loaded.configuration.people.items()} == {
        "person1": "藍子", "ben": "Ben", "chika": "Chika",
    }  # fmt: skip


def test_drbot_speaks_the_language_of_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "dr.yml").write_text(text_of(SEEN, Answers(people={"ben": "U00BEN"}, language="ja"), NOW))

    assert load_configuration(tmp_path / "dr.yml").roster.people["ben"].language == "ja"
    assert "language" not in text_of(SEEN, Answers(), NOW)


def test_what_nobody_answered_is_marked() -> None:
    assert text_of(SEEN, Answers(), NOW).count(MISSING) == 1
    assert text_of(SEEN, Answers(people={"aiko": "U1", "ben": "U2"}), NOW).count(MISSING) == 0


def test_folders_among_the_settings_that_are_written_to_are_data_unless_a_store_has_them() -> None:
    store = Store(project="shop", service="db", kind="redis", program="redis-server", volume="/srv/shop/data/redis")
    seen = replace(SEEN, written=("shop/uploads", "shop/data"), stores=(store,))

    site = YAML(typ="safe").load(text_of(seen, Answers(), NOW))["sites"]["production"]

    assert site["files"] == ["shop/uploads"]


def test_a_service_that_writes_to_sqlite_is_paused_while_its_files_are_copied() -> None:
    notes = KnownService(project="shop", service="notes", program="sqlite")
    seen = replace(SEEN, inventory=Inventory(services=(*SERVICES, notes)), addresses={("shop", "notes"): "http://x"})

    site = YAML(typ="safe").load(text_of(seen, Answers(), NOW))["sites"]["production"]

    assert site["services"]["notes"] == {
        "project": "shop", "service": "notes", "role": "front", "pause_for_backup": True, "health": "http://x",
    }  # fmt: skip


@pytest.fixture
def library() -> Iterator[Path]:
    """Not where the host's own things lie, as other folders of tests may."""
    with TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def test_a_folder_elsewhere_is_to_be_kept_also_when_it_came_later(library: Path) -> None:
    mount = Mount(kind="bind", source=str(library), target="/library")
    known = KnownService(project="shop", service="web", mounts=(mount,))
    seen = replace(SEEN, inventory=Inventory(services=(known,)))
    site = Site(projects=SEEN.folder, services={"web": Service(project="shop", service="web", role="app")})

    (found,) = changes(site, seen, lambda _: True)

    assert (found.below, found.add) == ("files", (f"- {library}",))
    assert YAML(typ="safe").load(text_of(seen, Answers(), NOW))["sites"]["production"]["files"] == [str(library)]


@pytest.mark.parametrize("name", ["123", "true", "null", "1e3"])
def test_a_name_that_yaml_takes_for_something_else_is_shown_as_drbot_reads_it(name: str) -> None:
    store = Store(project="shop", service=name, kind="postgres", program="postgres", volume=name, databases=(name,))
    seen = replace(SEEN, inventory=Inventory(services=(KnownService(project="shop", service=name),)), stores=(store,))
    site = Site(projects=SEEN.folder, services={"web": Service(project="shop", service="web", role="app")})

    shown = [YAML(typ="safe").load(line) for one in changes(site, seen, lambda _: True) for line in one.add]

    assert {name: {"project": "shop", "service": name, "role": "database"}} in shown
    assert {"service": name, "volume": name, "databases": [name]}.items() <= shown[-1]["postgres"].items()


def mounting(*folders: str) -> Seen:
    mounts = tuple(Mount(kind="bind", source=one, target=one) for one in folders)
    return replace(SEEN, inventory=Inventory(services=(KnownService(project="shop", service="web", mounts=mounts),)))


@pytest.mark.parametrize("folder", ["/etc/ssl", "/usr/share", "/home", "/srv", "/srv/shop/.."])
def test_a_folder_that_drbot_cannot_put_aside_is_a_gap_and_no_fault(tmp_path: Path, folder: str) -> None:
    text = text_of(mounting(folder), Answers(), NOW)
    (tmp_path / "dr.yml").write_text(text)

    assert load_configuration(tmp_path / "dr.yml").configuration.site().files == ()
    assert f"#   {folder}: why it may be lost" in text


def test_of_folders_in_each_other_the_outer_one_is_kept(tmp_path: Path, library: Path) -> None:
    (library / "films").mkdir()
    text = text_of(mounting(str(library / "films"), str(library)), Answers(), NOW)
    (tmp_path / "dr.yml").write_text(text)

    assert load_configuration(tmp_path / "dr.yml").configuration.site().files == (str(library),)
    assert text.count(MISSING) == 1


@pytest.mark.parametrize("end", ["\n", "\r", "\x85", "\u2028"])
def test_no_name_in_a_comment_becomes_a_key(tmp_path: Path, end: str) -> None:
    name = Path(f"/x{end}    docker: {{host: 'tcp://elsewhere:2375'}} #")
    seen = replace(mounting(f"/y{end}people: {{}} #"), elsewhere={"blog": name})
    (tmp_path / "dr.yml").write_text(text_of(seen, Answers(people={"aiko": "U1"}), NOW), newline="")

    loaded = load_configuration(tmp_path / "dr.yml")

    assert loaded.configuration.site().docker.host is None
    assert set(loaded.configuration.people) == {"aiko"}


@pytest.mark.parametrize(
    ("typed", "people"),
    [
        ("aiko=U1 ben=U2, chika", {"aiko": "U1", "ben": "U2", "chika": ""}),
        ("Ken Tanaka=U1, raj = U2 , Sato", {"Ken Tanaka": "U1", "raj": "U2", "Sato": ""}),
        ("田中 健=U1", {"田中 健": "U1"}),
        ("aiko ben", {"aiko ben": ""}),  # one too few is told; one too many would vote
        ("", {}),
    ],
)
def test_no_second_name_of_a_person_becomes_another_approver(typed: str, people: dict[str, str]) -> None:
    assert people_in(typed) == people
