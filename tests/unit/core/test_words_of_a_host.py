"""What a card says of a host: what is put aside by its name, what is deleted for good by the name of what keeps it."""

from pathlib import Path

import pytest

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.replaced import replaced
from drbot.core.runs.stakes import Stakes
from drbot.core.site.occupants import Occupant, OccupantKind
from drbot.core.site.site import Backups, Configuration, Site
from drbot.core.text.messages import say

CONFIGURATION = Configuration(
    system="s", sites={"production": Site(projects=Path("/srv"), services={})}, backups=Backups(directory=Path("/b"))
)
VOLUME = Occupant(
    kind=OccupantKind.VOLUME, name="postgres_data", identity="day 1", keeper="postgres_data_before_r7", size=13_400_000
)


def said(does: str, language: str) -> str:
    step = Step(id="act", title={"en": "act"}, do=does, effect="destroy")
    (line,) = replaced((step,), CONFIGURATION, "production", Stakes(), (VOLUME,))
    return say(line, language)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "volumes: postgres_data (13.4 MB)"), ("ja", "ボリューム: postgres_data (13.4 MB)")]
)
def test_what_is_put_aside_is_named_as_it_is_called_now(language: str, words: str) -> None:
    assert said("host.set_aside", language) == words


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "volumes: postgres_data_before_r7, put aside from postgres_data (13.4 MB)"),
        ("ja", "ボリューム: postgres_data_before_r7、元は postgres_data (13.4 MB)"),
    ],
)
def test_nobody_takes_productions_own_volume_for_what_is_deleted(language: str, words: str) -> None:
    assert said("host.give_up", language) == words
