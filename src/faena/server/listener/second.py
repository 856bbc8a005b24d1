"""A further server of a process that has one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


class SecondServer(uvicorn.Server):
    """One whose process has another server, which is the one that listens to signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
