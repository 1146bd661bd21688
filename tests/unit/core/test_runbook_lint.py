"""Each refusal of runbooks.md, "Refused when loaded", has one case; the packaged runbooks pass."""

from pathlib import Path

import pytest

from drbot.core.base.errors import UserError
from drbot.core.files.runbook_file import PACKAGED, find_runbooks, load_runbook, runbook_named
from drbot.core.text.messages import say

GOOD = """\
runbook: swap-it
title: {en: Swap}
level: 2
steps:
  - id: restore
    title: {en: Restore}
    do: postgres.restore_beside
    with: {backup: b.sql.gz, volume: new}
    after: []
    effect: change
    check: [{probe: postgres.beside_rows, with: {volume: new, expect: manifest}}]
    limits: {time: 1h}
    drill: run
  - id: approval
    title: {en: Approve}
    gate: {people: 2, for: [swap], proof: [restore]}
    after: []
  - id: swap
    title: {en: Swap}
    do: volume.swap
    with: {volume: data, replacement: new, keeper: old}
    after: [restore, approval]
    effect: destroy
    limits: {time: 1h}
    check: [{probe: volume.swapped, with: {volume: data, keeper: old}}]
    drill: run
  - id: verify
    title: {en: Verify}
    do: data.wait
    limits: {time: 1m}
    check: [{probe: data.answers, with: {volume: data}}]
    drill: redirect
"""
ASKED = "data.answers, with: {volume: data}}]"
NEVER_ASKED = (
    "swap: no later step asks whether the data works that it puts in place; add {probe: data.answers, with: {vol"
)


UNDO_SWAP = "undo: {do: volume.swap, with: {volume: data, replacement: new, keeper: old}}"
UNDO_DNS = "undo: {do: dns.change, with: {site: elsewhere}}"
UNDO_DATA = "undo: {do: volume.remove, with: {volume: data}}"
UNDO_OTHERS = "undo: {do: volume.swap_back, with: {volume: others, replacement: new, keeper: old}}"
UNDO_FOR_GOOD = "undo: {do: kept.remove, with: {volume: old}}"
UNDO_NOTHING = "undo: {do: dependencies.probe}"


def problems_of(text: str, folder: Path) -> str:
    path = folder / "swap-it.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as refused:
        load_runbook(path)
    return refused.value.why


def test_the_example_of_this_file_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "swap-it.yml"
    path.write_text(GOOD, encoding="utf-8")

    assert load_runbook(path).runbook.runbook == "swap-it"


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("    check: [{probe: volume", "    chek: [{probe: volume", 25, 'unknown key "chek". Did you mean "check"?'),
        ("    drill: run\n  - id: approval", "    dril: run\n  - id: approval", 13, 'Did you mean "drill"?'),
        ("{time: 1h}\n    drill", "{tme: 1h}\n    drill", 12, 'unknown key "tme". Did you mean "time"?'),
        ("level: 2", "level: 9", 3, "less than or equal to 4"),
        ("effect: destroy\n", "effect: destroy\n    destroys: [all]\n", 24, 'unknown key "destroys"'),
        ("    check: [{probe: volume.swapped, with: {volume: data, keeper: old}}]\n", "", 18, "add check"),
        ("for: [swap]", "for: [restore]", 18, "no gate before it names it"),
        ("after: [restore, approval]", "after: [restore]", 18, "no gate before it names it"),
        ("    after: [restore, approval]", "    after: [restore]", 22, "interrupts a service before the gate"),
        ("volume: new}", "volume: 'new_${rum.id}'}", 5, "${rum.id} is never filled in. Did you mean"),
        ("steps:", "inputs: {copy: {type: backup}}\nsteps:", 4, 'the input "copy" is never used'),
        ("    limits: {time: 1h}\n    drill: run\n  - id: app", "    drill: run\n  - id: app", 5, "no time limit"),
        ("    effect: change", "    effect: change\n    again: never\n    retry: {times: 2}", 12, "retried by itself"),
        ("    drill: run\n  - id: approval", "  - id: approval", 5, "add drill"),
        ("after: [restore, approval]", "after: [swap]", 22, "waits in a circle"),
        ("after: [restore, approval]", "after: [restor, approval]", 22, 'no step "restor". Did you mean "restore"?'),
        ("do: volume.swap", "do: volume.swop", 20, 'no action "volume.swop". Did you mean "volume.swap"?'),
        ("effect: change", "effect: none", 10, "needs effect: change"),
        ("probe: volume.swapped", "probe: volume.swaped", 25, 'no probe "volume.swaped". Did you mean'),
        ("replacement: new", "replacment: new", 21, 'takes no "replacment". Did you mean "replacement"?'),
        ("proof: [restore]", "proof: [swap]", 16, "waits for the gate itself"),
        (
            "proof: [restore]",
            "proof: [restore], requester_counts: true",
            16,
            "`approvals` in dr.yml decides whether the requester's vote counts",
        ),
        ("title: {en: Approve}", "title: {en: Approve}\n    if_fails: continue", 14, "may not be skipped"),
        ("title: {en: Restore}", "title: {en: Restore}\n    ask: {text: {en: Hm}}", 5, "exactly one of do, gate, ask"),
        ("title: {en: Restore}", "title: {en: Restore}\n    why: password=hunter22", 5, "secret in plain text"),
        ("- id: swap", "- id: restore", 18, "used twice"),
        ("- id: swap", "- id: agree-to-dr-yml", 18, "this id is drbot's own"),
        ("drill: run\n  - id: app", f"drill: run\n    {UNDO_SWAP}\n  - id: app", 14, "destroys, but no gate before it"),
        ("drill: run\n  - id: app", f"drill: run\n    {UNDO_DNS}\n  - id: app", 14, "destroys, but no gate before it"),
        ("drill: run\n  - id: app", f"drill: run\n    {UNDO_DATA}\n  - id: app", 14, "destroys, but no gate before it"),
        *(
            (
                "keeper: old}}]",
                f"keeper: old}}}}]\n    {undo}",
                26,
                "its undo does not take it back; write {do: volume.swap_back",
            )
            for undo in (UNDO_OTHERS, UNDO_FOR_GOOD, UNDO_NOTHING)
        ),
        (
            "effect: destroy",
            "effect: destroy\n    if_fails: continue",
            18,
            "leave out `unless` and `if_fails: continue`",
        ),
        ("effect: destroy", "effect: destroy\n    unless: [{probe: own_checks.http}]", 18, "leave out `unless`"),
        (
            "effect: change",
            f"effect: destroy\n    {UNDO_NOTHING}",
            11,
            "destroys, and nothing takes it back; leave its undo",
        ),
        (
            "volume: data, keeper: old}}]",
            "volume: other, keeper: old}}]",
            18,
            "no check looks at what it does; add {probe: volume",
        ),
        ("volume: new, expect", "volume: older, expect", 5, "no check looks at what it does; add {probe: postgres"),
        (f"check: [{{probe: {ASKED}", "effect: none", 18, NEVER_ASKED),
        (ASKED, "data.answers, with: {volume: other}}]", 18, NEVER_ASKED),
        (ASKED, f"{ASKED}\n    if_fails: continue", 18, NEVER_ASKED),
        (ASKED, f"{ASKED}\n    unless: [{{probe: own_checks.http}}]", 18, NEVER_ASKED),
        (ASKED, f"{ASKED}\n    when: [{{probe: own_checks.http}}]", 18, NEVER_ASKED),
        (ASKED, f"{ASKED}\n    after: [restore]", 18, NEVER_ASKED),
        ("drill: redirect", "drill: skip", 18, NEVER_ASKED),
        ("replacement: new", "replacement: older", 21, "replacement is made by no step that its gate names as proof"),
        ("proof: [restore]", "proof: []", 21, "replacement is made by no step that its gate names as proof"),
        ("do: volume.swap", "do: volume.remove", 23, ""),
        ("title: {en: Approve}", "title: [", 15, ""),
    ],
)
def test_what_is_unsafe_is_refused_with_its_line(old: str, new: str, line: int, sentence: str, tmp_path: Path) -> None:
    assert old in GOOD

    said = problems_of(GOOD.replace(old, new, 1), tmp_path)

    assert sentence in said
    if sentence:
        assert any(part.startswith(f"swap-it.yml:{line}: ") and sentence in part for part in said.splitlines())


def test_two_steps_at_the_same_time_may_not_touch_the_same_thing(tmp_path: Path) -> None:
    twin = GOOD[GOOD.index("  - id: restore") : GOOD.index("  - id: approval")].replace("id: restore", "id: twin")

    said = problems_of(GOOD.replace("  - id: approval", twin + "  - id: approval"), tmp_path)

    assert "restore and twin may run at the same time and both touch new" in said


@pytest.mark.parametrize("beside", ["do: evidence.collect\n    with: {services: auth}", "run: {runbook: x, site: y}"])
def test_nothing_may_run_while_data_is_moved(beside: str, tmp_path: Path) -> None:
    more = "after: []\n    limits: {time: 1m}\n    drill: run\n"
    step = f"  - id: beside\n    title: {{en: Look}}\n    {beside}\n    {more}"

    said = problems_of(GOOD + step, tmp_path)

    assert "beside may run while swap moves data; put it before or after, with `after`" in said


def test_what_a_step_made_may_be_taken_back_by_it_without_a_gate(tmp_path: Path) -> None:
    path = tmp_path / "swap-it.yml"
    undo = "drill: run\n    undo: {do: volume.remove, with: {volume: new}}\n  - id: approval"
    path.write_text(GOOD.replace("drill: run\n  - id: approval", undo, 1), encoding="utf-8")

    assert load_runbook(path).runbook.steps[0].undo is not None


def test_a_runbook_of_ones_own_is_not_trusted_for_its_name(tmp_path: Path) -> None:
    text = GOOD.replace("swap-it", "level1-service").replace("destroy", "change")
    (tmp_path / "level1-service.yml").write_text(text, encoding="utf-8")

    with pytest.raises(UserError, match=r"level1-service.yml:\d+: swap: volume.swap needs effect: destroy"):
        runbook_named("level1-service", (PACKAGED, tmp_path))


@pytest.mark.parametrize("name", ["level1-service", "level2-postgres", "level2-undo", "restart-services"])
def test_every_packaged_runbook_is_safe_and_speaks_both_languages(name: str) -> None:
    runbook = runbook_named(name, (PACKAGED,)).runbook

    assert all(say(step.title, "ja") != step.title for step in runbook.steps)
    assert find_runbooks((PACKAGED,))[name].name == f"{name}.yml"


def test_a_runbook_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match='Did you mean "level2-postgres"'):
        runbook_named("level2-postgre", (PACKAGED,))


STOPS = """
runbook: level1-service
title: {en: Bring a service back}
level: 1
steps:
  - id: stop
    title: {en: Stop}
    do: compose.stop
    with: {services: "${services.all}"}
    effect: change
    limits: {time: 1m}
    drill: run
"""
STOPS_BY_AN_UNDO = STOPS.replace("do: compose.stop", "do: compose.start").replace(
    "drill: run", 'undo: {do: compose.stop, with: {services: "${services.all}"}}\n    drill: run'
)
AND_STARTS = STOPS + STOPS.split("steps:\n")[1].replace("id: stop", "id: start").replace(
    "compose.stop", "compose.start"
)


@pytest.mark.parametrize(
    "text", [STOPS, STOPS_BY_AN_UNDO, AND_STARTS], ids=["do", "undo", "started again if it gets there"]
)
def test_nothing_stops_services_without_asking_two_people_also_under_a_name_of_drbots_own(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "level1-service.yml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UserError, match=r"compose\.stop leaves services stopped, so two people are asked first"):
        load_runbook(path)
