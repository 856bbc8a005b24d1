"""A project in a workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena import Workspace
from tests.journeys.scripts import Project


@pytest.fixture
def project(workspace: Workspace, tmp_path: Path) -> Project:
    return Project(workspace, tmp_path / "source")
