from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.db import Database
from faena.objects.files import FolderObjects
from tests.tracking.workspace import TrackedWorkspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[TrackedWorkspace]:
    database = Database(tmp_path / "faena.db")
    yield TrackedWorkspace(database, FolderObjects(tmp_path / "objects"))
    database.close()
