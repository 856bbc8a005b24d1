"""Nodes as processes of this machine, by the contract."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from faena import Workspace
from faena.compute.backends.local import LocalBackend
from faena.compute.contract import Backend
from faena.testing.compute import BackendContract


@pytest.fixture
def make_backend(workspace: Workspace) -> Callable[[], Backend]:
    return lambda: LocalBackend(workspace.files.path)


class TestLocal(BackendContract):
    pass


def test_an_attempt_that_cannot_be_adopted_is_tried_more_and_more_seldom(
    workspace: Workspace, tmp_path: Path
) -> None:
    now = 0.0
    backend = LocalBackend(workspace.files.path, monotonic=lambda: now)
    attempt = tmp_path / "run" / "1" / "0"  # holds no order: whoever adopts it dies of that
    attempt.mkdir(parents=True)
    started: list[float] = []
    while now < 120:
        backend.adopt(attempt)
        for adopter in list(backend._children.values()):
            adopter.wait(30)
            started.append(now)
            backend._children.clear()
        now += 0.5
    gaps = [later - earlier for earlier, later in itertools.pairwise(started)]
    assert len(started) < 12
    assert gaps == sorted(gaps)
