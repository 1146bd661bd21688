"""A lab whose PostgreSQL is received from, and a witness who writes rows and remembers which were confirmed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ruamel.yaml import YAML

from drbot.cli.receiving import forget
from drbot.core.site.configuration import load_configuration
from drbot.lab.system import Lab
from drbot.runners.backups.moments import continuous_of
from drbot.runners.clients.clients import clients_of
from drbot.runners.clients.continuous import Continuous
from drbot.runners.foundation.settings import RunnerSettings
from drbot.runners.foundation.watching import never
from tests.story.conftest import Story
from tests.waiting import PATIENCE, wait_for


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    story: Story
    continuous: Continuous


class Witness:
    """Writes into a table of the system's own database. `confirmed`: the ids that the server has said are written."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.confirmed: list[str] = []
        self.ask(
            "DROP TABLE IF EXISTS public.witness; CREATE TABLE public.witness (id serial PRIMARY KEY, at timestamptz)"
        )

    def ask(self, statement: str) -> str:
        return self._lab.psql(statement, "-d", "authdb").strip()

    def write(self, times: int = 3) -> None:
        for _ in range(times):
            self.confirmed.append(self.ask("INSERT INTO public.witness (at) VALUES (now()) RETURNING id").split()[0])

    def there(self) -> list[str]:
        return self.ask("SELECT id FROM public.witness ORDER BY id").split()

    def next_second(self) -> datetime:
        """A whole second that is later than all that was confirmed, and over."""
        now = datetime.fromisoformat(self.ask("SELECT to_json(clock_timestamp()) #>> '{}'"))
        moment = now.replace(microsecond=0) + timedelta(seconds=1)
        wait_for(lambda: datetime.now(UTC) > moment, PATIENCE, "the second to be over")
        return moment


@contextmanager
def following(story: Story) -> Iterator[Continuous]:
    """With `continuous` in dr.yml; at the end nothing of it is left."""
    yaml = YAML()
    document = yaml.load(story.stack.configuration.read_text())
    document["sites"]["production"]["postgres"]["continuous"] = {}
    with story.stack.configuration.open("w") as output:
        yaml.dump(document, output)
    configuration = load_configuration(story.stack.configuration).configuration
    site, settings = configuration.site("production"), RunnerSettings(home=story.stack.home, docker_host=story.lab.host)
    clients = clients_of(site, configuration, settings)
    continuous = continuous_of(clients, site, "production", never)
    yield continuous
    forget(continuous)
    clients.close()


def has_base(continuous: Continuous) -> bool:
    """Of the data that runs now, which is received."""
    following, archive = continuous.following(), continuous.archive()
    is_received = following is not None and following.behind == 0
    return is_received and any(one.series == continuous.series() for one in archive.bases)
