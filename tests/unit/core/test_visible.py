"""What an eye cannot see, or would take for something else, is shown as its code; ordinary text stays as it is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drbot.core.text.visible import visible

STAYS = (
    "Restore PostgreSQL 16.4 (production), 12 rows; $(id) `x` ; a && b",
    "本番の PostgreSQL を復元します。バックアップ　03:12、ＤＢ障害",
    "Müller, Łódź, naïve, 10 µs, Ω 5, Привет мир, Καλημέρα",
    "done ✅ ⚠️ → ▓▓░░ · … “quoted” – 12 °C",
    "two\nlines\tand a tab",
)


@pytest.mark.parametrize("text", STAYS)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


SHOWN = {
    "right to left": ("a\u202ebackup", "a\\u202ebackup"),
    "isolates": ("\u2066x\u2069", "\\u2066x\\u2069"),
    "a mark of direction": ("x\u200f", "x\\u200f"),
    "zero width": ("prod\u200buction", "prod\\u200buction"),
    "a joiner": ("prod\u200duction", "prod\\u200duction"),
    "a byte order mark": ("\ufeffx", "\\ufeffx"),
    "a soft hyphen": ("pro\u00adduction", "pro\\u00adduction"),
    "an escape sequence": ("\x1b[2Kgone", "\\u001b[2Kgone"),
    "a carriage return": ("denied\rapproved", "denied\\u000dapproved"),
    "a backspace": ("no\x08\x08yes", "no\\u0008\\u0008yes"),
    "a control of the second set": ("\x9b2K", "\\u009b2K"),
    "delete": ("a\x7f", "a\\u007f"),
    "a line separator": ("a\u2028b", "a\\u2028b"),
    "a space that is none": ("a\u00a0b\u2003c", "a\\u00a0b\\u2003c"),
    "a letter that draws nothing": ("a\u3164b", "a\\u3164b"),
    "a tag": ("a\U000e0041", "a\\U000e0041"),
    "a private letter": ("\ue000", "\\ue000"),
    "half of a pair": ("\ud800", "\\ud800"),
    "Cyrillic in a Latin word": ("pr\u043eduction", "pr\\u043eduction"),
    "Greek in a Latin word": ("pr\u03bfduction", "pr\\u03bfduction"),
    "a word of look-alikes": ("\u0440\u0430\u0443", "\\u0440\\u0430\\u0443"),
    "a full-width letter in a Latin word": ("prod\uff55ction", "prod\\uff55ction"),
    "mathematical letters": ("\U0001d429rod", "\\U0001d429rod"),
    "a hidden letter beside honest Greek": ("\x1f\u1fd0", "\\u001f\u1fd0"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_hides_turns_or_imitates_is_shown_by_its_code(name: str) -> None:
    given_text, expected = SHOWN[name]

    assert visible(given_text) == expected


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_nothing_invisible_is_left_and_showing_twice_changes_nothing(text: str) -> None:
    shown = visible(text)

    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [letter for letter in shown if letter not in "\n\t" and unicodedata.category(letter) in hidden]
    assert visible(shown) == shown
