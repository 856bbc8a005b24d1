from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portable.places import Place


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "here")
    yield made
    made.database.close()


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "there")
    yield made
    made.database.close()
