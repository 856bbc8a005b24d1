"""Nodes as processes of this machine, by the contract."""

from __future__ import annotations

from collections.abc import Callable

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
