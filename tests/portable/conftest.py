from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import Databases
from tests.portable.places import Place


@pytest.fixture
def here(databases: Databases, tmp_path: Path) -> Place:
    return Place(tmp_path / "here", databases.open)


@pytest.fixture
def there(databases: Databases, tmp_path: Path) -> Place:
    return Place(tmp_path / "there", databases.open)
