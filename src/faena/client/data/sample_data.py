"""Data sets that everybody begins with, as the files that their publishers give."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from faena.kernel import settings
from faena.script.messages import tell
from faena.script.mnist_files import idx_files


def mnist_files(part: str) -> list[str]:
    """Paths of MNIST's IDX files, images before labels; fetched and verified once for each user.

    `part`: 'train', 'test' or 'all'. Raises UserErrorException, ServiceException.
    """
    root = settings.home() / "datasets"

    def ensure() -> None:
        mnist: Any = import_module("faena.data.mnist")  # by name: it loads numpy, where it has to fetch
        mnist.ensure_mnist(root, tell)

    return idx_files(os.fspath(root), part, ensure)
