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


@pytest.fixture(scope="module")
def pair(postgresql_server: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two processes, the first of which leads."""
    with postgresql_server.database() as url:
        made = Server(tmp_path_factory.mktemp("pair"), url)
        try:
            made.start()
            made.start()
            yield made
        finally:
            made.close()
