"""Words for the stakeholders. The worker never talks to Slack: the bot reads them from the journal and posts them."""

from collections.abc import Mapping
from typing import Any

from runners.action import Outcome, StepContext
from runners.actions import arguments


def stakeholders(context: StepContext, given: Mapping[str, Any]) -> Outcome:
    """Put the text into the step's facts, where the bot finds it."""
    text = arguments.text(given, "text")
    return Outcome(summary=text, facts={"stakeholders": text})
