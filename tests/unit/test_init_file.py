"""What `drbot init` writes of what people answer, and of what nobody answered."""

from datetime import UTC, datetime
from pathlib import Path

from drbot.cli.init_file import MISSING, Answers, Seen, text_of
from drbot.core.site.configuration import load_configuration
from drbot.core.site.inventory import Inventory, KnownService

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SEEN = Seen(
    host="", folder=Path("/srv"), inventory=Inventory(services=(KnownService(project="shop", service="web"),)),
    stores=(), addresses={}, jobs=frozenset(), elsewhere={},
)  # fmt: skip


def test_whatever_people_are_called_drbot_can_read_what_it_has_written(tmp_path: Path) -> None:
    people = {"藍子": "U00AI", "ben": "U00BEN", "Chika": "U00CHIKA"}
    (tmp_path / "dr.yml").write_text(text_of(SEEN, Answers(people=people), NOW))

    loaded = load_configuration(tmp_path / "dr.yml")

    assert loaded.faults == ()
    assert {name: one.name for name, one in loaded.configuration.people.items()} == {
        "person1": "藍子", "ben": "Ben", "chika": "Chika",
    }  # fmt: skip


def test_what_nobody_answered_is_marked() -> None:
    assert text_of(SEEN, Answers(), NOW).count(MISSING) == 1
    assert text_of(SEEN, Answers(people={"aiko": "U1", "ben": "U2"}), NOW).count(MISSING) == 0
