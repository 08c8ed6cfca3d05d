"""A workspace that cannot be created: one sentence that says why."""

import pytest

from components.errors import InputError
from pipeline.workspace.layout import Workspace


@pytest.mark.parametrize("below", ["", "deeper/workspace"])
def test_a_file_in_the_place_of_the_folder_is_named_as_one(tmp_path, below):
    file = tmp_path / "workspace"
    file.touch()
    with pytest.raises(InputError, match=r"cannot be used: a file is there, not a folder\. Name another"):
        Workspace.at(file / below).create()
