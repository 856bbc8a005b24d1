from __future__ import annotations

from collections.abc import Iterator

import pytest

from faena.testing.clock import ManualClock
from tests.people.shared import Shared
from tests.server.house import running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """A shared server, whose first owner is `ada`; its clock is moved by tests, forwards."""
    parent = tmp_path_factory.mktemp("people")
    clock = ManualClock()
    with running(parent, clock, settings=Shared.settings()) as server:
        found = Shared(server, clock)
        yield found
        found.close()
