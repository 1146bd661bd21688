"""The checks of dr.yml's `proof`: what the people of a system ask of restored data, and of the system that runs."""

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, model_validator

from drbot.core.base.model import Model
from drbot.core.base.names import LONGEST_TITLE, Title
from drbot.core.text.messages import phrase
from drbot.core.text.words import cut

COMPARED: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
OTHER = "!="
NO_VALUE = "NULL"  # no other text than a given one: nothing came that could be one
_EXPECTED = re.compile(r"(>=|<=|!=|>|<)\s*(.+)", re.DOTALL)


def _text_of(given: Any) -> Any:
    """As PostgreSQL writes it: YAML may have made a number or a truth value of it."""
    if isinstance(given, bool):
        return "t" if given else "f"
    return str(given) if isinstance(given, int | float) else given


def _expected(given: str) -> str:
    found = _EXPECTED.fullmatch(given)
    if not given.strip() or (found and found[1] in COMPARED and _amount(found[2]) is None):
        raise ValueError(phrase('give the text that must come, or an amount such as ">= 1"'))
    return given


def _statement(given: str) -> str:
    if not given.strip() or "\0" in given:
        raise ValueError(phrase("give one statement that asks for one value"))
    return given.strip()


def _address(given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname or not given.isprintable() or " " in given:
        raise ValueError(phrase("this must begin with http:// or https://, then host, port and path"))
    return given


class OwnCheck(Model):
    """One question: `sql` of the restored copy of PostgreSQL, `http` of the system that runs."""

    title: Title = ""
    sql: Annotated[str, AfterValidator(_statement)] | None = None
    http: Annotated[str, AfterValidator(_address)] | None = None
    database: str | None = None  # for `sql`; none = the only one of `postgres.databases`
    # of `sql`: the text of its value, or ">= 1"; of `http`: words in the answer too; none = any 2xx
    expect: Annotated[str, BeforeValidator(_text_of), AfterValidator(_expected)] | None = None

    @model_validator(mode="after")
    def _is_one_question(self) -> Self:
        if (self.sql is None) == (self.http is None):
            raise ValueError(phrase("a check has either `sql` or `http`"))
        if self.sql is not None and self.expect is None:
            raise ValueError(phrase('`sql` needs `expect`: the text that must come, or an amount such as ">= 1"'))
        if self.http is not None and self.database is not None:
            raise ValueError(phrase("`database` is for `sql` alone"))
        return self

    @property
    def name(self) -> str:
        """What people are told it is: its title, else its question in one line."""
        return self.title or cut(" ".join((self.sql or self.http or "").split()), LONGEST_TITLE)

    def fault(self, came: str) -> str | None:
        """Why this answer is not the expected one; None = it is."""
        if self.expect is None or _meets(self.expect, came, a_part_is_enough=self.http is not None):
            return None
        found = cut(" ".join(came.split()), LONGEST_TITLE) or '""'
        return self.named(phrase("expected {expected}, came {found}", expected=self.expect, found=found))

    def named(self, why: str) -> str:
        """That this check failed, and why."""
        return phrase('own check "{check}": {why}', check=self.name, why=why)


class OwnChecks(Model):
    checks: tuple[OwnCheck, ...] = ()

    @property
    def of_sql(self) -> tuple[OwnCheck, ...]:
        return tuple(check for check in self.checks if check.sql is not None)

    @property
    def of_http(self) -> tuple[OwnCheck, ...]:
        return tuple(check for check in self.checks if check.http is not None)


def passed_text(count: int) -> str:
    """Of one kind, for every one must pass; "" where there is none."""
    return phrase("{count} of {total} own checks passed", count=count, total=count) if count else ""


def moved(url: str, before: str | None, now: str | None) -> str:
    """The URL where the system runs now: an address of the site that it was written for is that of another site."""
    parts = urlsplit(url)
    if before is None or now is None or parts.hostname != before:
        return url
    return urlunsplit(parts._replace(netloc=f"{now}:{parts.port}" if parts.port else now))


def _meets(expected: str, came: str, a_part_is_enough: bool) -> bool:
    found = _EXPECTED.fullmatch(expected)
    if found is None:
        return expected in came if a_part_is_enough else expected == came
    left, right = _amount(came), _amount(found[2])
    if found[1] != OTHER:
        return left is not None and right is not None and COMPARED[found[1]](left, right)
    if left is not None and right is not None:
        return left != right
    return came != NO_VALUE and not (found[2] in came if a_part_is_enough else found[2] == came)


def _amount(text: str) -> Decimal | None:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
