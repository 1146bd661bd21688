"""What will be replaced is said of each step by itself."""

from pathlib import Path

from drbot.core.runbooks.runbook import Step
from drbot.core.runs.replaced import replaced
from drbot.core.runs.stakes import Act, Stakes
from drbot.lab.layout import PARTS, describe

PORTS = {part.name: part.port for part in PARTS if part.port}


def swap(volume: str) -> Step:
    given = {"volume": volume, "replacement": "copy", "keeper": "old"}
    return Step.model_validate(
        {"id": "swap", "title": {"en": "Swap"}, "do": "volume.swap", "with": given, "effect": "destroy"}
    )


def test_the_files_of_settings_are_not_said_of_another_folder_that_goes_whole() -> None:
    configuration = describe(Path("/lab"), "lab-", "unix:///engine", PORTS)
    projects = configuration.site().projects
    stakes = Stakes(act=Act.RESTORE, files=("auth/.env",))

    said = replaced([swap(str(projects)), swap(f"{projects}/uploads")], configuration, "production", stakes)

    assert said == (f"in the folder {projects}, each of these files: auth/.env", f"folder {projects}/uploads")
    back = swap(str(projects)).model_copy(update={"do": "volume.swap_back"})
    assert replaced([back], configuration, "production", stakes) == said[:1]
