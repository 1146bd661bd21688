"""What a worker says, whoever made it say that."""

from pathlib import Path

from drbot.core.site.configuration import load_configuration
from drbot.runners.main import worker_context_of
from drbot.store.base.database import Database
from drbot.store.base.doorbell import doorbell_of

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "one-project.yml"


def test_a_worker_never_says_its_own_key(tmp_path: Path) -> None:
    loaded = load_configuration(EXAMPLE)
    database, doorbell = Database(f"sqlite:///{tmp_path / 'state.db'}"), doorbell_of(None)
    site = loaded.configuration.default_site

    context = worker_context_of(loaded.configuration, database, doorbell, site, tmp_path, loaded.roster)

    key = (tmp_path / "worker" / "key").read_text()
    assert key not in context.redact(f'line 1: unexpected character "+" in variable name "{key}"')
    context.target.clients.close()
    doorbell.stop()
    database.close()
