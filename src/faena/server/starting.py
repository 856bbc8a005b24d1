"""A server starts with many objects that stay; Python's collector need not look at them again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no cyclic garbage until the end of the block; what is there then is never looked at again.

    Modules and routes are nearly all of it, and stay as long as the process. What is made later is collected as ever.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
