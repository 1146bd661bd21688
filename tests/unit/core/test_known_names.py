"""A password that is a part of a name masks no name: plans, undo and reports need them whole."""

from pathlib import Path

from drbot.core.site.known_names import guessable, hidden
from drbot.core.site.site import Backups, Configuration, Site
from drbot.core.text.redaction import Redactor
from tests.unit.bot.situations import configuration

NAMED, STRONG = "postgres", "k7Qz-m4xp-geheim"


def test_a_password_that_is_a_part_of_a_name_is_not_masked_by_its_value() -> None:
    redact = Redactor(hidden((NAMED, STRONG), configuration()))

    assert redact("volume postgres_data_before_r1") == "volume postgres_data_before_r1"
    assert STRONG not in redact(f"the server said {STRONG}")
    assert NAMED not in redact(f"POSTGRES_PASSWORD={NAMED}")  # by its shape
    assert guessable((NAMED, STRONG), configuration()) == 1


def test_names_of_sites_and_folders_count_too() -> None:
    site = Site(projects=Path("/srv/harborlog"), services={})
    found = Configuration(system="x", sites={"production": site}, backups=Backups(directory=Path("/backups")))

    assert hidden(("harborlog", "production", "backups/", "else-secret"), found) == ("backups/", "else-secret")
