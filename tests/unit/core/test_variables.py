"""What a plan says is filled in once and completely."""

import pytest

from drbot.core.base.errors import UserError
from drbot.core.runbooks.variables import Value, fill, references

VARIABLES: dict[str, Value] = {"run.id": "r7", "services.apps": ("auth", "user"), "services.fronts": ("front",)}


def test_a_text_that_is_one_variable_becomes_the_variable() -> None:
    assert fill("${services.apps}", VARIABLES) == ["auth", "user"]


def test_inside_a_longer_text_lists_are_read_out() -> None:
    assert fill("data_${run.id}: ${services.apps}", VARIABLES) == "data_r7: auth, user"


def test_lists_in_a_list_become_one_list() -> None:
    filled = fill({"services": ["${services.apps}", "${services.fronts}"]}, VARIABLES)

    assert filled == {"services": ["auth", "user", "front"]}


def test_a_variable_nobody_filled_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(UserError, match=r"\$\{run.di\} has no value here. Did you mean \"run.id\""):
        fill({"a": ["x ${run.di}"]}, VARIABLES)


def test_what_a_section_of_dr_yml_would_give_is_asked_for_by_its_key() -> None:
    with pytest.raises(UserError, match=r"This plan needs `repository` in dr.yml: the git repository.*Add it"):
        fill("${repository.url}", VARIABLES)


def test_references_are_found_at_any_depth() -> None:
    assert set(references({"a": ["${x}", {"b": "c ${y.z}"}], "n": 3})) == {"x", "y.z"}
