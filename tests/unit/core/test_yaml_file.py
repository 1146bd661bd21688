"""A file that cannot be read is told about as a person would: which file, which line, what to do."""

from pathlib import Path

import pytest

from drbot.core.base.errors import UserError
from drbot.core.base.model import Model
from drbot.core.base.names import Name
from drbot.core.base.yaml_file import parse_yaml, read_model, read_yaml
from drbot.core.text.messages import say


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a: 1\nb: [1\n", "broken.yml:3: "),
        (b"- a\n- b\n", "broken.yml:1: the file must hold keys and values"),
        (b"", "broken.yml:1: the file must hold keys and values"),
        (b"a: \xff\n", "not UTF-8"),
        (b"a: 1\na: 2\n", "broken.yml:2: "),
    ],
)
def test_what_is_no_file_of_keys_and_values_is_refused(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.yml"
    path.write_bytes(content)

    with pytest.raises(UserError) as refused:
        read_yaml(path)

    assert said in refused.value.why


class Named(Model):
    name: Name
    color: str = ""


@pytest.mark.parametrize(
    ("content", "english", "japanese"),
    [
        ("name: ../x\n", "broken.yml:1: name: a name begins with a letter", "broken.yml:1: name: 名前は英数字で始め"),
        ("colour: red\n", 'broken.yml:1: unknown key "colour". Did you mean "color"?', "「color」のことですか?"),
        ("color: red\n", 'broken.yml:1: the key "name" is missing.', "キー「name」がありません。"),
    ],
)
def test_a_mistake_is_told_in_every_language(content: str, english: str, japanese: str) -> None:
    file = parse_yaml(Path("broken.yml"), content)

    with pytest.raises(UserError) as refused:
        read_model(file, Named)

    assert english in refused.value.why
    assert japanese in say(refused.value.why, "ja")
    assert "Correct the lines named." in str(refused.value) and "示した行" in say(str(refused.value), "ja")
