"""Tests whose scripts need semaphores, which a machine has where /dev/shm can be written."""

from __future__ import annotations

import multiprocessing
import os

import pytest


def _are_there() -> bool:
    try:
        multiprocessing.get_context("fork").Lock()
    except OSError:
        return False
    return True


needs_semaphores = pytest.mark.skipif(
    "CI" not in os.environ and not _are_there(),
    reason="this user has no semaphores: mount -t tmpfs -o mode=1777 tmpfs /dev/shm",
)
