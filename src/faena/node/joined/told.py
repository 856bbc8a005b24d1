"""What a machine says of itself when it joins. Standard library only."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from faena.attempts.records import ORDERS
from faena.kernel import settings


@dataclass(frozen=True)
class Told:
    name: str
    labels: dict[str, str] = field(default_factory=dict)
    cores: int = 0
    """0: those that this process may run on."""
    gpus: tuple[str, ...] = ()
    address: str = ""
    """Where other nodes of a run reach it; empty: as the server sees it."""
    temporary: bool = False
    """To be forgotten when it leaves."""

    def request(self, left: Sequence[str]) -> dict[str, Any]:
        """`left`: attempts of an earlier runner, by name."""
        return {
            "name": self.name,
            "labels": self.labels,
            "cores": self.cores or len(os.sched_getaffinity(0)),
            "gpus": list(self.gpus),
            "memory_bytes": _memory(),
            "version": sys.modules["faena"].__version__,  # by name: it knows of parts that need more
            "wire": settings.WIRE_VERSION,
            "orders": ORDERS,
            "python": platform.python_version(),
            "platform": f"{platform.system().lower()}-{platform.machine().lower()}",
            "address": self.address,
            "open": list(left),
            "temporary": self.temporary,
        }


def _memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return 0
