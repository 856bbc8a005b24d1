"""Nodes as runners on other machines, by the contract: they live as long as something is heard of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from faena.compute.backends.joined import JoinedBackend
from faena.compute.contract import Backend
from faena.compute.leases import Leases, Terms
from faena.testing.clock import ManualClock
from faena.testing.compute import Begin, JoinedBackendContract, Kill

TERMS = Terms()


class Elsewhere:
    """The machines, and what servers hear of them: a runner that lives is heard at each beat."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.living: set[str] = set()
        self.leases: list[Leases] = []

    def server(self) -> Backend:
        self.leases.append(Leases(TERMS, self.clock.monotonic))
        return JoinedBackend(self.leases[-1])

    def begin(self, _backend: Backend, node: str) -> None:
        self.living.add(node)
        self.leases[-1].hear(node)

    def kill(self, node: str) -> None:
        """And the minute after which it counts as lost."""
        self.living.remove(node)
        for _ in range(int(TERMS.lost)):
            self.clock.advance(1.0)
            for each in self.living:
                self.leases[-1].hear(each)
            for leases in self.leases:
                leases.alive()


class TestJoined(JoinedBackendContract):
    @pytest.fixture
    def elsewhere(self) -> Elsewhere:
        return Elsewhere()

    @pytest.fixture
    def make_backend(self, elsewhere: Elsewhere) -> Callable[[], Backend]:
        return elsewhere.server

    @pytest.fixture
    def begin(self, elsewhere: Elsewhere) -> Begin:
        return elsewhere.begin

    @pytest.fixture
    def kill(self, elsewhere: Elsewhere) -> Kill:
        return elsewhere.kill
