"""What `proof` of dr.yml asks: which answers are the expected ones, and which questions are none."""

from pathlib import Path
from typing import Any

import pytest

from drbot.core.base.errors import UserError
from drbot.core.site.configuration import load_configuration
from drbot.core.site.own_checks import OwnCheck, moved
from drbot.core.text.messages import say

SITE = """\
system: shop
sites:
  production:
    services: {{db: {{project: shop, service: db, role: database}}}}
    {postgres}
backups: {{directory: backups}}
proof: {proof}
"""
ONE, TWO = (
    "postgres: {service: db, volume: v, databases: [shop]}",
    "postgres: {service: db, volume: v, databases: [a, b]}",
)


def read(folder: Path, proof: str, postgres: str = ONE) -> tuple[str, ...]:
    path = folder / "dr.yml"
    path.write_text(SITE.format(proof=proof, postgres=postgres))
    return load_configuration(path).faults


@pytest.mark.parametrize(
    ("expect", "came", "passes"),
    [
        ("open", "open", True),
        ("open", "opened", False),
        (1, "1", True),
        (True, "t", True),
        (False, "f", True),
        ("1", "1.0", False),
        (">= 1", "1", True),
        (">=1", "0", False),
        ("> 1.5", "1.6", True),
        ("< 10", "9", True),
        ("<= 10", "11", False),
        ("> 1", "NULL", False),
        ("> 1", "many", False),
        ("> 1", "NaN", False),
        ("!= 0", "1", True),
        ("!= none", "none", False),
        ("!= 0", "0.00", False),
        ("!= 0", "NULL", False),
        ("!= NULL", "0", True),
        ("!= NULL", "NULL", False),
        ("NULL", "NULL", True),
    ],
)
def test_an_answer_is_compared_as_text_or_as_an_amount(expect: Any, came: str, passes: bool) -> None:
    check = OwnCheck.model_validate({"sql": "SELECT x", "expect": expect})

    assert (check.fault(came) is None) is passes


@pytest.mark.parametrize(
    ("expect", "came", "passes"),
    [
        ("In stock", "<p>In stock</p>", True),
        ("In stock", "<p>Gone</p>", False),
        (">= 3", "12", True),
        (">= 3", "2", False),
        (">= 3", "at least >= 3", False),
        ("!= error", "<p>error: no database</p>", False),
        ("!= error", "<p>In stock</p>", True),
        ("!= 0", "10", True),
        ("!= 0", "0 orders", False),
    ],
)
def test_a_page_passes_when_it_holds_the_words_or_is_the_amount(expect: str, came: str, passes: bool) -> None:
    check = OwnCheck.model_validate({"http": "http://127.0.0.1/", "expect": expect})

    assert (check.fault(came) is None) is passes


def test_a_failure_says_which_check_what_was_expected_and_what_came() -> None:
    named = OwnCheck.model_validate({"title": "orders are there", "sql": "SELECT 0", "expect": "> 0"})
    plain = OwnCheck.model_validate({"sql": "SELECT count(*)\n  FROM orders", "expect": "> 0"})

    assert say(named.fault("0") or "", "en") == 'own check "orders are there": expected > 0, came 0'
    assert say(plain.fault("0") or "", "en") == 'own check "SELECT count(*) FROM orders": expected > 0, came 0'


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        ("{expect: 1}", "a check has either `sql` or `http`"),
        ("{sql: SELECT 1, http: 'http://x/', expect: 1}", "a check has either `sql` or `http`"),
        ("{sql: SELECT 1}", "`sql` needs `expect`"),
        ("{sql: '  ', expect: 1}", "one statement that asks for one value"),
        ("{sql: SELECT 1, expect: '>= many'}", 'an amount such as ">= 1"'),
        ("{sql: SELECT 1, expect: ''}", 'an amount such as ">= 1"'),
        ("{http: 'ftp://x/'}", "must begin with http:// or https://"),
        ("{http: 'http://x/', database: shop}", "`database` is for `sql` alone"),
        ("{sql: SELECT 1, expects: 1}", 'unknown key "expects". Did you mean "expect"?'),
    ],
)
def test_a_question_that_is_none_closes_the_gates_and_names_its_line(tmp_path: Path, check: str, sentence: str) -> None:
    faults = read(tmp_path, f"\n  checks:\n    - {check}")

    assert faults and all(fault.startswith("dr.yml:9: ") for fault in faults)
    assert any(sentence in fault for fault in faults)


@pytest.mark.parametrize(
    ("postgres", "check", "sentence"),
    [
        (ONE, "{sql: SELECT 1, expect: 1, database: shp}", 'one of the databases shop. Did you mean "shop"?'),
        (TWO, "{sql: SELECT 1, expect: 1}", "Say in which `database` it is asked: a, b."),
        ("title: Shop", "{sql: SELECT 1, expect: 1}", 'The site "production" has no PostgreSQL.'),
    ],
)
def test_a_question_for_no_database_is_refused(tmp_path: Path, postgres: str, check: str, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        read(tmp_path, f"\n  checks:\n    - {check}", postgres)

    assert "dr.yml:9: " in refused.value.why and sentence in refused.value.why


def test_a_good_one_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "\n  checks: [{sql: SELECT 1, expect: 1}, {http: 'https://shop.example/orders?new=1'}]") == ()


@pytest.mark.parametrize(
    ("url", "now", "asked"),
    [
        ("http://10.0.0.1:8080/a?b=1", "10.0.0.2", "http://10.0.0.2:8080/a?b=1"),
        ("http://10.0.0.1/", "10.0.0.2", "http://10.0.0.2/"),
        ("http://127.0.0.1:8080/", "10.0.0.2", "http://127.0.0.1:8080/"),
        ("http://10.0.0.1/", None, "http://10.0.0.1/"),
    ],
)
def test_an_address_of_the_lost_host_is_that_of_the_new_one(url: str, now: str | None, asked: str) -> None:
    assert moved(url, "10.0.0.1", now) == asked
