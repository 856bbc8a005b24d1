"""What backups are tried on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.workspaces.model import create_folder
from tests.backups.house import Place
from tests.tidying.house import TidyHouse


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    workspace = create_folder(tmp_path / "we?ird #1%20", "original")
    house = TidyHouse(workspace.path)
    yield Place(workspace, house, tmp_path / "back?mode=x #1%20")
    house.close()
