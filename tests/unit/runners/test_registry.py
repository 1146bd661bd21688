"""What is declared is done, under the same name, and nothing else is."""

from drbot.core.runbooks.actions import ACTIONS, PROBES
from drbot.runners.actions.registry import REGISTRY


def test_every_declared_action_and_probe_has_a_function_and_the_other_way_round() -> None:
    where = "declared in core/runbooks; in IMPLEMENTED of its module, and the module in runners/actions/registry.py"
    assert set(REGISTRY.actions) == set(ACTIONS), where
    assert set(REGISTRY.probes) == set(PROBES), where


def test_what_is_optional_or_touched_is_a_parameter() -> None:
    for action in ACTIONS.values():
        assert {*action.optional, *action.touches} <= set(action.parameters), action.name
        assert action.effect == "none" or action.touches, action.name
    for probe in PROBES.values():
        assert probe.optional <= set(probe.parameters), probe.name
