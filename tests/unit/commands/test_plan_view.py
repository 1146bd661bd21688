"""A plan that somebody alone reads: in the words of people."""

from drbot.commands.views.plan_view import plan_reply
from drbot.core.text.messages import say
from tests.unit.bot.situations import STEPS, plan, step


def test_a_gate_names_the_steps_of_its_proof_by_their_titles() -> None:
    steps = plan_reply(plan(steps=(step("copy", title="Restore beside"), *STEPS[1:])), "").tables[1]
    assert say(steps.rows[1][2], "en") == "2 people, after: Restore beside"
