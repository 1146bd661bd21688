"""What people type, and what is understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drbot.commands.speech.parser import LONGEST, level_of, parse
from drbot.commands.speech.verbs import VERBS
from drbot.core.base.errors import UserError
from drbot.core.site.level import Level

LETTERS = st.text(max_size=80) | st.text(alphabet="dr-7 １２３level停:{}<>%$();'\"\n\t\u202e\u200b", max_size=80)
TYPED = st.one_of(
    LETTERS, st.tuples(st.sampled_from([*VERBS, "DR-7", "/dr", "dr9"]), LETTERS).map(lambda parts: " ".join(parts))
)


@given(TYPED)
def test_whatever_is_typed_is_understood_or_refused_for_people(typed: str) -> None:
    try:
        words = parse(typed)
    except UserError as error:
        assert str(error)
    else:
        assert words.verb in VERBS
        assert all(word.strip() for word in words.rest)


@given(LETTERS)
def test_whatever_is_typed_as_a_level_is_a_level_or_refused(typed: str) -> None:
    try:
        assert level_of(typed, "drill level2") in Level
    except UserError as error:
        assert "level1" in str(error)


@given(st.sampled_from(sorted(VERBS)), st.integers(1, 999_999))
def test_an_incident_may_stand_before_or_behind_every_verb(verb: str, number: int) -> None:
    for typed in (f"DR-{number} {verb}", f"{verb} DR-{number}", f"/dr {verb} dr{number}", f"{verb} #{number}"):
        words = parse(typed)

        assert (words.verb, words.incident, words.rest) == (verb, number, ())


def test_nothing_at_all_is_the_menu_and_an_incident_alone_is_its_status() -> None:
    assert parse("  ").verb == "menu"
    assert parse("DR-7").verb == "status"


def test_another_incident_in_the_middle_of_a_persons_words_is_no_address() -> None:
    words = parse("update same cause as DR-6 yesterday")

    assert words.incident is None
    assert words.mentioned == 6
    assert words.text == "same cause as DR-6 yesterday"


def test_in_a_verb_without_free_text_the_incident_may_stand_anywhere() -> None:
    words = parse("settle swap DR-7 retry")

    assert (words.incident, words.rest) == (7, ("swap", "retry"))


def test_full_width_letters_of_a_japanese_keyboard_are_understood() -> None:
    words = parse("ｄｅｃｌａｒｅ　ｌｅｖｅｌ２　ＰｏｓｔｇｒｅＳＱＬ が起動しない")

    assert words.verb == "declare"
    assert level_of(words.rest[0], "drill level2") is Level.DATABASE
    assert words.after(1) == "ＰｏｓｔｇｒｅＳＱＬ が起動しない"


def test_invisible_characters_that_turn_text_around_are_dropped() -> None:
    assert parse("deny \u202eold\u200b backup\x07").text == "old backup"


@pytest.mark.parametrize(
    ("typed", "meant"), [("declair level2", "declare"), ("stats", "status"), ("/dr aprove", "approve")]
)
def test_an_unknown_verb_names_the_nearest_one(typed: str, meant: str) -> None:
    with pytest.raises(UserError, match=f'Did you mean "{meant}"'):
        parse(typed)


def test_an_unknown_verb_is_repeated_harmlessly() -> None:
    with pytest.raises(UserError) as refused:
        parse("<!channel>{0}")

    assert "<" not in str(refused.value)


def test_a_pasted_log_is_refused_with_its_length() -> None:
    with pytest.raises(UserError, match="3,010 characters"):
        parse("update " + "x" * (LONGEST + 3))


@pytest.mark.parametrize("typed", ["level3", "L3", "3", "LEVEL3", "３", "Level-3", "level_3"])
def test_a_level_may_be_written_in_short(typed: str) -> None:
    assert level_of(typed, "drill level2") is Level.HOST


def test_an_unknown_level_names_the_levels_the_nearest_and_an_example_of_the_same_command() -> None:
    with pytest.raises(UserError, match=r'"levl2" is not a level.*level4.*Did you mean "level2".*: /dr plan level2'):
        level_of("levl2", "plan level2")


def test_a_level_that_does_not_exist_is_not_guessed() -> None:
    with pytest.raises(UserError) as refused:
        level_of("level9", "plan level2")

    assert "Did you mean" not in str(refused.value)
