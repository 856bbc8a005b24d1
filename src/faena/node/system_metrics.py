"""CPU, memory and GPU of a run's process tree, written as one more spool of the attempt."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable

from faena.node import processes

PERIOD = 5.0
"""Seconds between samples."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Sampler:
    """`log(name, value)` is called with `cpu_percent` (100: one core), `memory_mb`, and per GPU
    `gpu<i>_percent` and `gpu<i>_memory_mb`."""

    def __init__(self, root: int, gpus: list[str], log: Callable[[str, float], None]) -> None:
        """`root`: the guard, whose descendants are measured; `gpus`: indexes of the run's own."""
        self._root = root
        self._own = gpus
        self._log = log
        self._ticks: dict[tuple[int, int], int] = {}
        self._at = time.monotonic()
        self._due = self._at + 1.0
        self._nvidia = shutil.which("nvidia-smi") if gpus else None

    def sample_when_due(self) -> None:
        if time.monotonic() >= self._due:
            self.sample()
            self._due = time.monotonic() + PERIOD

    def sample(self) -> None:
        tree = processes.descendants(self._root)
        now = time.monotonic()
        ticks = {(process.pid, process.started): process.cpu_ticks for process in tree}
        spent = sum(count - self._ticks.get(process, 0) for process, count in ticks.items())
        if now > self._at:
            self._log("cpu_percent", 100.0 * spent / _TICKS / (now - self._at))
        self._log("memory_mb", sum(process.resident_pages for process in tree) * _PAGE / 1e6)
        self._ticks, self._at = ticks, now
        for name, value in self._gpus().items():
            self._log(name, value)

    def _gpus(self) -> dict[str, float]:
        if self._nvidia is None:
            return {}
        query = [
            self._nvidia,
            "--query-gpu=index,utilization.gpu,memory.used",
            "--format=csv,noheader,nounits",
        ]
        try:
            text = subprocess.run(query, capture_output=True, text=True, timeout=4, check=True).stdout
            rows = [[part.strip() for part in line.split(",")] for line in text.splitlines()]
            kept = [row for row in rows if row[0] in self._own]
            found = {f"gpu{row[0]}_percent": float(row[1]) for row in kept}
            return found | {f"gpu{row[0]}_memory_mb": float(row[2]) for row in kept}
        except (OSError, subprocess.SubprocessError, ValueError, IndexError):
            return {}
