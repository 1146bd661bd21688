"""Budgets that run out: rates, response URLs, faults on demand. Each with a clock of its own."""

from drbot.slack_simulator.faults import Faults
from drbot.slack_simulator.rates import POST_BURST, Rates
from drbot.slack_simulator.rules import SlackError
from drbot.slack_simulator.tickets import RESPONSE_URL_USES, Tickets


def test_posts_have_a_burst_then_one_a_second_in_each_channel() -> None:
    now = [0.0]
    rates = Rates(clock=lambda: now[0])

    waits = [rates.wait_seconds("chat.postMessage", 60, "C1") for _ in range(POST_BURST + 1)]
    other = rates.wait_seconds("chat.postMessage", 60, "C2")
    now[0] += 1
    later = [rates.wait_seconds("chat.postMessage", 60, "C1") for _ in range(2)]

    assert waits == [0] * POST_BURST + [1]
    assert other == 0
    assert later == [0, 1]


def test_updates_share_one_budget_over_all_channels() -> None:
    rates = Rates(clock=lambda: 0.0)

    waits = [rates.wait_seconds("chat.update", 50, f"C{number}") for number in range(51)]

    assert waits == [0] * 50 + [2]


def test_a_response_url_works_five_times_in_thirty_minutes() -> None:
    now = [0.0]
    tickets = Tickets(clock=lambda: now[0])
    token, late = (tickets.new_response_token("U00AIKO", "C1") for _ in range(2))

    for _ in range(RESPONSE_URL_USES):
        tickets.use_response_token(token)
    codes = [_code_of(tickets, token)]
    now[0] += 1801
    codes.append(_code_of(tickets, late))

    assert codes == ["used_url", "expired_url"]


def _code_of(tickets: Tickets, token: str) -> str:
    try:
        tickets.use_response_token(token)
    except SlackError as refusal:
        return refusal.code
    return ""


def test_an_error_on_demand_is_used_up() -> None:
    faults = Faults()
    faults.change({"errors": [{"method": "chat.update", "status": 503, "times": 1}]})

    seen = [faults.next_error("chat.postMessage"), faults.next_error("chat.update"), faults.next_error("chat.update")]

    assert [error and error["status"] for error in seen] == [None, 503, None]
