"""dr.yml: every mistake with its line, and what a mistake does not stop."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from drbot.core.base.errors import UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.site.site import Monitoring

GOOD = """\
system: ai-micro-service
sites:
  production:
    projects: projects
    services:
      postgres: {project: ai-micro-postgres, service: postgres, role: database}
      auth: {project: ai-micro-api-auth, service: auth-service, role: app, needs: [postgres]}
    postgres: {volume: pgdata, databases: [authdb]}
backups: {directory: backups}
people:
  aiko: {name: Aiko, slack: [U1], roles: [commander]}
  ben: {name: Ben, slack: [U2], roles: [approver]}
  chika: {name: Chika, slack: [U3], roles: [approver]}
channels: {home: dr-ops}
cadence: {level2: 30m}
"""

SCHEME = "begin with http:// or https://"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dr.yml"


def refusal(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(UserError) as refused:
        load_configuration(path)
    return refused.value.why


def test_a_good_file_has_no_faults_and_its_paths_are_meant_from_where_it_lies(path: Path) -> None:
    path.write_text(GOOD)

    loaded = load_configuration(path)

    assert loaded.faults == ()
    assert loaded.roster.fault is None
    assert loaded.configuration.site().projects == path.parent / "projects"
    assert loaded.configuration.backups.directory == path.parent / "backups"


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("    projects: projects", "    project: projects", 4, 'unknown key "project". Did you mean "projects"?'),
        ("role: app,", "role: application,", 7, "sites.production.services.auth.role"),
        ("needs: [postgres]", "needs: [postgers]", 7, 'Did you mean "postgres"?'),
        ("needs: [postgres]", "needs: [postgres, auth]", 7, "These services need each other in a circle: auth → auth"),
        ("role: database}", "role: database, needs: [auth]}", 6, "in a circle: postgres → auth → postgres"),
        ("backups: {directory: backups}", "backups: {directory: backups, max_age: soon}", 9, "is not a duration"),
        *(
            ("backups: {directory: backups}", f"backups: {{directory: backups, max_age: {odd}}}", 9, "from 0 to 3650d")
            for odd in (".inf", ".nan", "-1", "-.inf", "1e300", "99999d")
        ),
        *(
            ("databases: [authdb]", f"databases: [authdb], continuous: {{{key}: {often}}}", 8, "than or equal to 60")
            for key in ("keep", "base_every")
            for often in ("0", "59s")
        ),
        ("backups: {directory: backups}", "backups: {}", 9, 'the key "directory" is missing'),
        ("volume: pgdata,", "volume: pgdata, service: postgre,", 8, 'Did you mean "postgres"?'),
        ("system: ai-micro-service", "system: [", 3, ""),
        ("system: ai-micro-service", 'system: x\nobject_store: {bucket: b, endpoint: "localhost:9000"}', 2, SCHEME),
        ("system: ai-micro-service", 'system: x\ndns: {zone: a., names: [a], endpoint: "//aws"}', 2, SCHEME),
        ("    projects: projects", '    projects: projects\n    provision: {endpoint: "localhost:9000"}', 5, SCHEME),
    ],
)
def test_a_mistake_is_named_with_its_line(path: Path, old: str, new: str, line: int, sentence: str) -> None:
    why = refusal(path, GOOD.replace(old, new))

    assert f"dr.yml:{line}:" in why
    assert sentence in why


def test_statements_of_older_files_are_told_where_they_are_written_now(path: Path) -> None:
    why = refusal(path, GOOD.replace("[authdb]}", "[authdb], queries: {authdb: {users: DELETE FROM users}}}"))

    assert why == 'dr.yml:8: unknown key "queries". Write it as `checks` of `proof`.'


NAMED = [("  production:", 3), ("      auth:", 7), ("{project: ai-micro-api-auth,", 7), ("{volume: pgdata,", 8)]


@pytest.mark.parametrize(
    ("name", "old", "line"),
    [
        *(
            (name, *place)
            for name in ("..", ".hidden", "-a", "", "a b", "pr\u043eduction", "x" * 101)
            for place in NAMED
        ),
        *((name, *place) for name in ("../../srv", "a/b") for place in NAMED[:3]),  # a volume may be a folder
    ],
)
def test_a_name_is_one_part_of_a_path_and_one_word_of_a_card(path: Path, name: str, old: str, line: int) -> None:
    """Names of sites, services, projects and volumes become folders below drbot's own, and files in them."""
    word = old.strip(" {:,").rpartition(" ")[2]
    why = refusal(path, GOOD.replace(old, old.replace(word, f'"{name}"'), 1))

    assert f"dr.yml:{line}: " in why
    assert "a name begins with a letter a-z or a digit" in why


@pytest.mark.parametrize("name", ["..", "../ben", "b\u0435n"])
def test_a_person_whose_id_is_no_name_is_nobody(path: Path, name: str) -> None:
    path.write_text(GOOD.replace("  ben:", f'  "{name}":'))

    loaded = load_configuration(path)

    assert "dr.yml:12: " in loaded.faults[0]
    assert list(loaded.roster.people) == ["aiko", "chika"]


@pytest.mark.parametrize(
    "files", ["../../etc", "/etc/cron.d", "auth/../../etc", "-x", "/var/lib", "/var/lib/docker/volumes"]
)
def test_files_are_volumes_or_folders_of_data(path: Path, files: str) -> None:
    why = refusal(path, GOOD.replace("    projects: projects", f"    projects: projects\n    files: [{files}]"))

    assert why.startswith("dr.yml:5: sites.production.files.0: this must")


@pytest.mark.parametrize("reason", ["", "-", "x" * 201])
def test_what_is_not_needed_has_a_reason_that_people_can_read(path: Path, reason: str) -> None:
    excused = f'    projects: projects\n    not_needed: {{cache: "{reason}"}}'

    why = refusal(path, GOOD.replace("    projects: projects", excused))

    assert why.startswith("dr.yml:5: sites.production.not_needed.cache: "), why


@pytest.mark.parametrize("system", ["shop\u202e", "\u3164", "a\\nb", "x" * 81])
def test_what_people_call_the_system_can_be_read_in_one_line(path: Path, system: str) -> None:
    why = refusal(path, GOOD.replace("system: ai-micro-service", f'system: "{system}"'))

    assert why.startswith("dr.yml:1: system: this must be one line")


def test_people_and_systems_have_names_in_any_language(path: Path) -> None:
    path.write_text(GOOD.replace("Aiko,", "\u7530\u4e2d\u3000\u611b\u5b50,"))

    assert load_configuration(path).faults == ()


def test_who_names_no_language_is_answered_in_that_of_the_file(path: Path) -> None:
    path.write_text("language: ja\n" + GOOD.replace("[U2],", "[U2], language: en,"))

    people = load_configuration(path).roster.people.values()
    assert {one.id: one.language for one in people} == {"aiko": "ja", "ben": "en", "chika": "ja"}


def test_all_mistakes_are_told_at_once(path: Path) -> None:
    why = refusal(path, GOOD.replace("role: app", "role: ap").replace("directory:", "directry:"))

    assert [line.split(":")[1] for line in why.splitlines()] == ["7", "9", "9"]


def test_a_default_site_that_does_not_exist_is_named(path: Path) -> None:
    why = refusal(path, GOOD + "default_site: prodution\n")

    assert why.startswith("dr.yml:16:")
    assert 'Did you mean "production"?' in why


def test_no_file_says_how_to_name_one(path: Path) -> None:
    with pytest.raises(UserError, match="DRBOT_CONFIG"):
        load_configuration(path)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("roles: [commander]", "roles: [boss]", 11),
        ("channels: {home: dr-ops}", "channels: {hom: dr-ops}", 14),
        ("cadence: {level2: 30m}", "cadence: {level2: often}", 15),
        *(("cadence: {level2: 30m}", f"cadence: {{level{level}: 0}}", 15) for level in (1, 2, 3, 4)),
        ("people:", "poeple:", 10),
    ],
)
def test_a_broken_section_about_people_or_habits_closes_the_gates_but_stops_nothing(
    path: Path, old: str, new: str, line: int
) -> None:
    path.write_text(GOOD.replace(old, new))

    loaded = load_configuration(path)

    assert loaded.faults[0].startswith(f"dr.yml:{line}:")
    assert loaded.roster.fault == loaded.faults[0]
    assert loaded.configuration.system == "ai-micro-service"


def test_one_broken_person_does_not_hide_the_others(path: Path) -> None:
    path.write_text(GOOD.replace("roles: [commander]", "roles: [boss]"))

    loaded = load_configuration(path)

    assert list(loaded.roster.people) == ["ben", "chika"]


def test_too_few_approvers_close_the_gates(path: Path) -> None:
    path.write_text(GOOD.replace("slack: [U3], roles: [approver]", "slack: [U3]"))

    assert "1 approvers; 2 are needed" in (load_configuration(path).roster.fault or "")


@pytest.mark.parametrize("field", ["prometheus", "alertmanager", "receiver"])
@pytest.mark.parametrize(
    "url",
    [
        "http://internal:8500/v1/agent/leave?x=",
        "http://internal:8500/v1/agent/leave#",
        "http://monitoring@internal:9093",
        "http://internal:9093/a b",
        "http://internal:9093\\@monitoring",
        "file:///etc/passwd",
        "internal:9093",
    ],
)
def test_a_url_of_the_monitoring_is_no_way_to_another_request(field: str, url: str) -> None:
    """The path of Alertmanager's alerts is appended to it, and nobody is asked before an alert is sent there."""
    good = dict.fromkeys(("prometheus", "alertmanager", "receiver"), "http://[::1]:9093/monitoring")

    assert Monitoring.model_validate({"project": "monitoring", **good}).receiver == good["receiver"]
    with pytest.raises(ValidationError):
        Monitoring.model_validate({"project": "monitoring", **good, field: url})
