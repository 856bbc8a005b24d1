"""Tests of hosts are skipped, with the reason, where none can be made."""

from __future__ import annotations

import pytest

from tests.hosts.namespaces import unavailable


@pytest.fixture(autouse=True)
def can_make_hosts() -> None:
    if why := unavailable():  # asked when a test runs, since to collect it costs nothing then
        pytest.skip(why)
