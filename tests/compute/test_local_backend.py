"""Nodes as processes of this machine, by the contract."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from faena import Workspace
from faena.compute.backends.local import LocalBackend
from faena.compute.contract import Backend
from faena.kernel.presence import Rendezvous, try_lock
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


def test_a_node_that_began_before_the_workspace_was_moved_is_seen(
    workspace: Workspace, tmp_path: Path
) -> None:
    old = tmp_path / "old" / ".faena"
    lock = try_lock(Rendezvous(old).lock_of("node-1"))
    assert lock is not None
    assert not LocalBackend(workspace.files.path).is_alive("node-1")
    assert LocalBackend(workspace.files.path, moved_from=str(old)).is_alive("node-1")
    os.close(lock)
    assert not LocalBackend(workspace.files.path, moved_from=str(old)).is_alive("node-1")
