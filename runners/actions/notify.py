"""Words for the stakeholders. The worker never talks to Slack: the bot posts what the ledger says is due."""

from collections.abc import Mapping
from typing import Any

from drbot.core.text.messages import phrase
from drbot.runners.contract.action import Outcome, Registry, StepContext


def stakeholders(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """A post about the incident as it is now, with these words where there are any (runners/execution/finishing.py)."""
    text = str(given.get("text") or "")
    return Outcome(summary=text or phrase("The current status is posted to the stakeholders."), facts={"text": text})


IMPLEMENTED = Registry(
    actions={"notify.stakeholders": stakeholders},
)
