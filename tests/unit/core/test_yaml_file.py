"""A file that cannot be read is told about as a person would: which file, which line, what to do."""

from pathlib import Path

import pytest

from drbot.core.errors import UserError
from drbot.core.yaml_file import read_yaml


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
