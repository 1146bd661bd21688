"""What readiness makes of compose files, certificates, programs, runbooks and of what people say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drbot.core.files.runbook_file import PACKAGED, load_runbook
from drbot.core.site.confirmations import Confirmation, Subject, key_line, reachable_line, roster_line
from drbot.core.site.people import Person, Roster
from drbot.core.site.readiness import Colour
from drbot.core.site.site import Backups, Configuration, Recovery, Repository, Service, Site
from drbot.runners.backups.prove import ROOM
from drbot.runners.clients.backup_store import USUAL_RATIO, Backup
from drbot.runners.clients.free_room import COPY
from drbot.runners.upkeep.outside_readiness import (
    about_certificate,
    certificate_line,
    new_place_line,
    programs_line,
    runbooks_line,
)
from drbot.runners.upkeep.prevention import is_limited, lacking, restarts
from tests.integration.lab.readiness_world import certificate_for

ONLY_WITH_REPOSITORY = "    when: [{probe: site.has, with: {part: repository}}]\n"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ROSTER = Roster(
    people={
        name: Person(id=name, name=name.title(), roles=frozenset({"approver"})) for name in ("aiko", "ben", "chika")
    }
)


REPOSITORY = Repository(url="https://git.invalid/x", commit="0" * 40)


def configuration(**changes: Any) -> Configuration:
    given = {"system": "shop", "sites": {"production": Site()}, "backups": Backups(directory="/srv"), **changes}
    return Configuration(**given)


@pytest.mark.parametrize(
    ("service", "does"),
    [
        ({"restart": "unless-stopped"}, True),
        ({"restart": "always"}, True),
        ({"deploy": {"restart_policy": {"condition": "any"}}}, True),
        ({"restart": "no"}, False),
        ({"deploy": {"restart_policy": {"condition": "none"}}}, False),
        ({}, False),
    ],
)
def test_whether_a_service_comes_back_by_itself(service: dict[str, Any], does: bool) -> None:
    assert restarts(service) is does


@pytest.mark.parametrize(
    ("service", "does"),
    [
        ({"mem_limit": "536870912", "cpus": 1}, True),
        ({"deploy": {"resources": {"limits": {"memory": "512m", "cpus": 0.5}}}}, True),
        ({"mem_limit": "536870912", "cpu_quota": 50000}, True),
        ({"mem_limit": "536870912"}, False),
        ({"cpus": 1}, False),
        ({}, False),
    ],
)
def test_whether_a_service_may_take_all_of_the_host(service: dict[str, Any], does: bool) -> None:
    assert is_limited(service) is does


@pytest.mark.parametrize(
    ("days", "colour"), [(-1, Colour.RED), (2, Colour.RED), (14, Colour.AMBER), (60, Colour.GREEN)]
)
def test_how_long_a_certificate_is_good_for(tmp_path: Path, days: float, colour: Colour) -> None:
    path = tmp_path / "fullchain.pem"
    path.write_bytes(certificate_for(days))

    assert about_certificate(path, datetime.now(UTC)).colour is colour


def test_a_certificate_that_cannot_be_read_is_told_and_none_that_dr_yml_does_not_name(tmp_path: Path) -> None:
    assert about_certificate(tmp_path / "gone.pem", NOW).colour is Colour.RED
    assert list(certificate_line(configuration())) == []


def test_programs_that_dr_yml_wants_are_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = configuration(repository=REPOSITORY)
    assert list(programs_line(configuration())) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    (line,) = programs_line(wanted)
    assert (line.colour, line.reason) == (Colour.RED, "not on this host: git")

    (tmp_path / "git").touch(mode=0o755)

    (line,) = programs_line(wanted)
    assert line.colour is Colour.GREEN


def test_a_runbook_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    assert runbooks_line(configuration(runbooks=tmp_path, repository=REPOSITORY)).colour is Colour.GREEN
    (tmp_path / "mine.yml").write_text("runbook: mine\nsteps: nothing\n")

    line = runbooks_line(configuration(runbooks=tmp_path, repository=REPOSITORY))

    assert line.colour is Colour.RED
    assert "mine.yml" in line.reason


SITES = {"production": Site(), "recovery": Site(), "control": Site()}
ELSEWHERE = Recovery(site="recovery", control="control")


def test_a_level_that_cannot_be_planned_is_told_with_the_key_that_it_needs(tmp_path: Path) -> None:
    own = (PACKAGED / "level3-host.yml").read_text().replace(ONLY_WITH_REPOSITORY, "")
    (tmp_path / "level3-host.yml").write_text(own)

    line = runbooks_line(configuration(sites=SITES, recovery=ELSEWHERE, runbooks=tmp_path))
    assert line.colour is Colour.RED
    assert line.reason.startswith("level 3 needs `repository` in dr.yml: ")
    unprepared = runbooks_line(configuration(sites=SITES, runbooks=tmp_path))
    assert unprepared.colour is Colour.AMBER  # nobody has prepared for it
    assert runbooks_line(configuration(sites=SITES, recovery=ELSEWHERE, runbooks=tmp_path, repository=REPOSITORY)).well


def test_level_3_needs_neither_a_repository_nor_a_site_that_controls() -> None:
    """The folders of the projects come whole from the full backup then; `control` is for level 4."""
    sites = {"production": Site(), "recovery": Site()}
    assert runbooks_line(configuration(sites=sites, recovery=Recovery(site="recovery"))).colour is Colour.GREEN


def test_a_place_to_go_is_named_or_missing() -> None:
    sites = SITES

    assert new_place_line(configuration()).colour is Colour.AMBER
    named = configuration(sites=sites, recovery=Recovery(site="recovery", control="control"))
    assert new_place_line(named).colour is Colour.GREEN


def said(subject: Subject, *people: str, days: float = 1) -> list[Confirmation]:
    return [Confirmation(subject=subject, person=person, at=NOW - timedelta(days=days)) for person in people]


def test_who_can_be_reached_is_asked_again_after_ninety_days() -> None:
    some = [*said(Subject.REACHABLE, "aiko"), *said(Subject.REACHABLE, "ben", days=91)]
    everybody = said(Subject.REACHABLE, "aiko", "ben", "chika", days=89)

    assert "Ben, Chika" in reachable_line(ROSTER, some, NOW).reason
    assert reachable_line(ROSTER, some, NOW).colour is Colour.AMBER
    assert reachable_line(ROSTER, everybody, NOW).colour is Colour.GREEN


def test_one_person_who_has_read_the_roster_or_seen_the_key_is_enough() -> None:
    assert roster_line([], NOW).colour is Colour.AMBER
    assert roster_line(said(Subject.ROSTER, "ben"), NOW).colour is Colour.GREEN
    assert key_line(is_encrypted=False, known=[], now=NOW) is None
    lines = [key_line(is_encrypted=True, known=known, now=NOW) for known in ([], said(Subject.KEY, "ben", days=91),
                                                                             said(Subject.KEY, "ben"))]  # fmt: skip
    assert [line.colour for line in lines if line is not None] == [Colour.AMBER, Colour.AMBER, Colour.GREEN]


def test_a_folder_of_runbooks_that_is_not_there_is_told(tmp_path: Path) -> None:
    line = runbooks_line(configuration(runbooks=tmp_path / "runbooks"))

    assert line.colour is Colour.RED
    assert f"{tmp_path / 'runbooks'} is no folder" in line.sentence


def test_what_runs_to_its_end_is_not_to_be_restarted() -> None:
    services = {
        name: Service(project="shop", service=name, role="app", once=name == "migrate") for name in ("web", "migrate")
    }

    assert lacking(Site(services=services), {"shop": {"services": {"web": {}, "migrate": {}}}}, restarts) == ["web"]


def test_room_for_a_copy_is_judged_by_one_factor_and_for_every_dump() -> None:
    (asked,) = (
        probe.with_["need"]
        for probe in load_runbook(PACKAGED / "level2-postgres.yml").runbook.ready_when
        if probe.probe == "disk.free"
    )
    without_manifest = Backup(
        path=Path("all_databases_20260101_000000.sql.gz"), size=10, snapshot_at=NOW, manifest=None
    )

    assert asked == f"{COPY}x backup" and ROOM == 2 * COPY
    assert without_manifest.sql_bytes == 10 * USUAL_RATIO
