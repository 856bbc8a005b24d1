from __future__ import annotations

from pathlib import Path

import pytest

from faena.objects.files import FolderObjects
from tests.databases import Databases
from tests.tracking.workspace import TrackedWorkspace


@pytest.fixture
def workspace(databases: Databases, tmp_path: Path) -> TrackedWorkspace:
    return TrackedWorkspace(databases.open(tmp_path / "faena.db"), FolderObjects(tmp_path / "objects"))
