from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.testing.postgresql import Server as PostgreSQL
from tests.several.processes import Server


@pytest.fixture
def server(postgresql_server: PostgreSQL, tmp_path: Path) -> Iterator[Server]:
    """Without a process yet."""
    with postgresql_server.database() as url:
        made = Server(tmp_path, url)
        yield made
        made.close()
