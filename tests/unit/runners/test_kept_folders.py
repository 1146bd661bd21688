"""A folder that was put aside is deleted only as the very one that two people read about."""

from pathlib import Path

import pytest

from drbot.core.base.errors import PermanentError
from drbot.runners.clients.own_folder import identity_of, remove_kept
from drbot.runners.foundation.permit import folder
from tests.permits import permit


def test_another_folder_under_its_name_is_not_deleted(tmp_path: Path) -> None:
    keeper = tmp_path / "projects_before_r1"
    keeper.mkdir()
    agreed = identity_of(keeper)
    keeper.rename(tmp_path / "taken away")
    keeper.mkdir()
    (keeper / "theirs").write_text("of somebody else")

    with pytest.raises(PermanentError, match="is not the folder of the plan; nothing was removed"):
        remove_kept(keeper, agreed, permit(folder(keeper)))

    assert (keeper / "theirs").read_text() == "of somebody else"


def test_the_very_one_is(tmp_path: Path) -> None:
    keeper = tmp_path / "projects_before_r1"
    keeper.mkdir()

    remove_kept(keeper, identity_of(keeper), permit(folder(keeper)))

    assert not keeper.exists()
