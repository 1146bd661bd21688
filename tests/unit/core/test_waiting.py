"""What waits for what has an order, or a circle that can be named."""

from drbot.core.base.waiting import circle_in, waves


def test_those_that_wait_for_nothing_come_first() -> None:
    waits = {"front": ["auth"], "auth": ["postgres", "redis"], "postgres": [], "redis": []}

    assert list(waves(waits)) == [("postgres", "redis"), ("auth",), ("front",)]
    assert circle_in(waits) == ()


def test_a_circle_is_named_in_the_order_of_waiting_without_those_behind_it() -> None:
    assert circle_in({"behind": ["a"], "b": ["c"], "a": ["b"], "c": ["a"]}) == ("b", "c", "a")
    assert circle_in({"alone": ["alone"]}) == ("alone",)
