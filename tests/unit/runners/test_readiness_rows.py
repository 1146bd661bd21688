"""One table says what is looked at and whose worker looks; `drbot check`, workers and the document go by it."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar, cast

import pytest

from drbot.core.site.people import Roster
from drbot.core.site.readiness import Colour, Line, good
from drbot.core.site.site import Approvals, Backups, Configuration, Schedule, Service, Site
from drbot.runners.clients.docker_engine import DockerEngine
from drbot.runners.clients.health import Health
from drbot.runners.clients.postgres_server import PostgresServer
from drbot.runners.clients.redis_server import RedisServer
from drbot.runners.upkeep.readiness_rows import ROWS, Look, Row, Who, lines_of
from tests.web_servers import serving

DOCUMENT = Path(__file__).parents[3] / "docs" / "readiness.md"
OTHERS = {"worker of each site, bot": "whoever asks", "Slack: tokens, scopes, channels, people": "the bot"}
CONFIGURATION = Configuration(
    system="shop",
    sites={name: Site() for name in ("production", "staging", "control")},
    backups=Backups(directory="/srv", schedule=Schedule(full="0 3 * * *", sites=("staging",))),
)


def test_the_document_says_of_each_row_who_looks() -> None:
    cells = [line.strip("|").split("|") for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    documented = {one[0].strip(): one[3].strip() for one in cells if len(one) == 4 and one[0].strip() != "what"}

    assert documented == {name: row.who.value for row in ROWS for name in row.names} | OTHERS


@pytest.mark.parametrize(
    ("who", "sites"),
    [
        (Who.SITE, ["production", "staging", "control"]),
        (Who.DEFAULT, ["production"]),
        (Who.KEYS, ["production"]),
        (Who.SCHEDULED, ["staging"]),
    ],
)
def test_each_row_is_looked_at_by_the_workers_that_it_names(who: Who, sites: list[str]) -> None:
    assert [site for site in CONFIGURATION.sites if who.looks_at(CONFIGURATION, site)] == sites


def test_a_look_that_ends_in_a_way_nobody_foresaw_is_red_and_ends_no_other(tmp_path: Path) -> None:
    """Else the last word would stay, green or not, for as long as one file is there."""

    def ending(_: Look, site: str) -> Iterator[Line]:
        yield good("begun", "")
        raise IndexError(site)

    rows = [
        Row(names=("volumes",), who=Who.SITE, probe=ending),
        Row(names=(), who=Who.SITE, probe=lambda _, site: [good("next", "")]),
    ]
    look = Look(
        configuration=CONFIGURATION, home=tmp_path, roster=Roster(people={}), approvals=Approvals(), database=None
    )

    begun, ended, following = lines_of(look, ["production"], rows)

    assert (begun.what, following.what) == ("begun", "next")
    assert ended.colour is Colour.RED
    assert ended.reason == "volumes could not be looked at (IndexError)"


def test_what_all_workers_see_together_is_what_check_prints(tmp_path: Path) -> None:
    def row(who: Who) -> Row:
        return Row(names=(), who=who, probe=lambda _, site: [good(f"{who.name} {site}", "")])

    def seen(*sites: str) -> list[Line]:
        look = Look(
            configuration=CONFIGURATION, home=tmp_path, roster=Roster(people={}), approvals=Approvals(), database=None
        )
        return list(lines_of(look, sites, [*map(row, Who)]))

    workers = [line for site in CONFIGURATION.sites for line in seen(site)]
    assert sorted(seen(*CONFIGURATION.sites), key=str) == sorted(workers, key=str)
    assert len({line.what for line in workers}) == len(workers) == 6


class Starting(BaseHTTPRequestHandler):
    """Answers 503 once, as a service that starts."""

    asked: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/starts" and self.path in self.asked else 503)
        self.asked.add(self.path)
        self.end_headers()


def test_a_service_that_has_just_started_is_not_down() -> None:
    engine, postgres, redis = cast(DockerEngine, None), cast(PostgresServer, None), cast(RedisServer, None)
    with serving(Starting) as port:
        services = {
            name: Service(project="p", service=name, role="app", health=f"http://127.0.0.1:{port}/{name}")
            for name in ("starts", "down")
        }
        faults = Health(Site(services=services), engine, postgres, redis).lasting_faults(services, pause=0.01)

    assert list(faults) == ["down"]
