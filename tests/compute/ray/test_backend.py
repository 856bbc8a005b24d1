"""Nodes that a Ray cluster starts, by the contract of nodes that somebody else starts. `make ray`: on a true one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faena.compute.backends.ray.bridge import ENDED
from faena.compute.contract import Backend
from faena.testing.compute import Begin, JoinedBackendContract, Kill
from tests.compute.ray.ground import Ground
from tests.compute.ray.test_bridge import FakeRay


class TestRay(JoinedBackendContract):
    @pytest.fixture
    def ray(self) -> FakeRay:
        return FakeRay()

    @pytest.fixture
    def ground(self, tmp_path: Path, ray: FakeRay) -> Iterator[Ground]:
        with Ground(tmp_path, ray, lambda name, wanted: name) as made:
            yield made

    @pytest.fixture
    def make_backend(self, ground: Ground) -> Callable[[], Backend]:
        return ground.server

    @pytest.fixture
    def begin(self, ground: Ground) -> Begin:
        return ground.begin

    @pytest.fixture
    def kill(self, ground: Ground, ray: FakeRay) -> Kill:
        def end(node: str) -> None:
            ray.states[f"gang-{node}", 0] = (ENDED, "")
            ground.ended(node)

        return end
