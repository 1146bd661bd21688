"""Whose data a backup holds, and what of a host it brings back: the card says both, from the manifest and the steps."""

from dataclasses import replace
from typing import Any

from core.run import Run
from core.site import Recovery, Site
from store import schema
from tests.integration.runners.bench import Bench
from tests.integration.runners.test_rows_over_time import rows, with_runbook
from tests.integration.runners.test_words_of_a_card import SET_ASIDE, card

POSTGRES = """  - id: restore
    title: {en: Restore}
    do: postgres.restore
    with: {backup: "${backup}", volume: "${postgres.volume}"}
    after: [aside]
    effect: change
    limits: {time: 1h}
    drill: skip
"""


def planned(bench: Bench, steps: str, *, lost: str = "production") -> Run:
    """The plan of a runbook that replaces a host. `lost`: what a row says which site was lost."""
    bench = with_runbook(bench, "own.yml", SET_ASIDE + steps)
    incident = bench.declare().incident
    rows(bench, schema.incidents.update().values(site=lost))
    return bench.go(bench.queue(incident, "own"))


def asked_for(bench: Bench) -> list[str]:
    """Of which sites full backups are looked for from now on."""
    asked: list[str] = []
    choose = bench.target.choose_full_backup

    def of_site(name: str | None = None, *, site: str, **more: Any) -> Any:
        asked.append(site)
        return choose(name, site=site, **more)

    bench.target.choose_full_backup = of_site  # type: ignore[method-assign]
    return asked


def test_whose_backup_it_is_follows_no_row(guarded: Bench) -> None:
    """Which site was lost is a column of the incident; a host that is no place of recovery gets its own data."""
    asked = asked_for(guarded)

    run = planned(guarded, POSTGRES, lost="staging")

    assert asked == ["production"]
    assert "data of production, in memory" in card(guarded, run)


def test_whose_data_comes_to_a_place_of_recovery_stands_on_the_card(guarded: Bench) -> None:
    """There it is another site's on purpose, as it was declared: two people read which."""
    known = guarded.equipment.configuration
    recovery = {"recovery": Recovery(site="production", control="outside"), "sites": {**known.sites, "outside": Site()}}
    changed = replace(guarded.equipment, configuration=known.model_copy(update=recovery))

    run = planned(replace(guarded, equipment=changed), POSTGRES, lost="staging")

    assert "data of staging, not of production" in card(guarded, run)


def test_a_backup_without_a_manifest_is_nobodys_for_sure(guarded: Bench) -> None:
    first, *others = guarded.target.backups
    guarded.target.backups[:] = [first.model_copy(update={"manifest": False}), *others]

    assert "nobody knows of which site" in card(guarded, planned(guarded, POSTGRES))
