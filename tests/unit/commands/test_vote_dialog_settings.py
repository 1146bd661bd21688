"""What an approver reads of a dr.yml that has changed since two people last agreed."""

from dataclasses import replace

from drbot.commands.views.vote_dialog import VoteDialog, dialog_from
from drbot.core.runs.plan import SETTINGS_GATE, Plan, gate_about_settings
from drbot.core.text.messages import say
from tests.unit.bot.situations import NOW, plan, request, run, situation, step
from tests.unit.commands.test_vote_dialog import STEPS, asked, shown


def dialog_of(sealed: Plan, gate: str) -> VoteDialog:
    now = situation(run=run(of=sealed), request=replace(request(), gate=gate), now=NOW)
    assert now.request is not None
    return dialog_from(
        incident=now.incident, plan=sealed, request=now.request, votes=(), steps={}, roster=now.roster,
        clocks=now.clocks,
    )  # fmt: skip


def test_many_differences_of_dr_yml_are_not_hidden() -> None:
    changed = tuple(f"services s{n} role: app → cache" for n in range(40))
    table = shown(asked(), changed=changed)

    for language, rest in (("en", "32 more differences: read dr.yml"), ("ja", "ほか 32 件")):
        said = [say(row[1], language) for row in table.rows if "dr.yml" in say(row[0], language)]
        assert said[:2] == ["services s0 role: app → cache", "services s1 role: app → cache"]
        assert len(said) == 9 and rest in said[-1]


def test_services_are_said_to_stop_only_where_this_yes_lets_them() -> None:
    """The request about dr.yml stands before the one that lets services be stopped."""
    stop = step("stop", "Stop", do="compose.stop", after=("approval",))
    first = STEPS[0].model_copy(update={"after": (SETTINGS_GATE,)})
    held = (gate_about_settings(requester_counts=False), first, *STEPS[1:], stop)
    sealed = plan(steps=held, target="production")

    assert {gate: dialog_of(sealed, gate).interrupts for gate in (SETTINGS_GATE, "approval")} == {
        SETTINGS_GATE: False, "approval": True,
    }  # fmt: skip
