"""Stacks that stories are played in, and the sites of those that lose one: opened, and ended whatever happens."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from drbot.cli.demo_player import DemoPlayer
from drbot.cli.demo_stack import DemoStack, local_slack
from drbot.lab.setup import lab_home, prepare_recovery
from drbot.lab.sites import Sites
from drbot.slack_simulator.state import State
from drbot.store.base.database import Database
from drbot.store.base.settings import StoreSettings
from tests.labs import LabFactory

LINES = 60  # of each log, for whoever reads why a story failed


@contextmanager
def playing_in(
    home: Path,
    configuration: Path,
    environment: Mapping[str, str] | None = None,
    patience: float = 180,
    state: State | None = None,
) -> Iterator[DemoPlayer]:
    """drbot is not started yet. At the end all of it is stopped but the system. `patience`: seconds; `state`: the
    memory of Slack.
    """
    simulator = local_slack(state)
    simulator.start()
    stack = DemoStack(simulator=simulator, home=home, configuration=configuration, environment=environment or {})
    stack.home.mkdir()
    database = Database(StoreSettings.from_environment(stack.home).database_url)
    database.migrate()
    try:
        yield DemoPlayer(stack=stack, database=database, patience=patience)
    finally:
        for name in list(stack.processes):
            stack.kill(name)
            print(f"--- {name}\n" + "\n".join(stack.log(name).read_text(errors="replace").splitlines()[-LINES:]))
        stack.close()
        database.close()


@contextmanager
def sites_of(lab_factory: LabFactory, name: str) -> Iterator[Sites]:
    """Production and what is around it, by a short name; not started yet."""
    prepare_recovery(lab_home(), print)
    made = Sites(lab=lab_factory(name), home=lab_home())
    yield made
    made.down()
