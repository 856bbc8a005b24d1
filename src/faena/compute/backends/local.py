"""Nodes are processes on the server's own host; one lives as long as it holds its flock."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from faena.kernel.presence import Rendezvous, is_held, start_module, try_lock

_FIRST_REST, _LONGEST_REST = 0.25, 60.0
"""Seconds before an attempt whose adopter died is adopted anew; they double each time."""


class LocalBackend:
    """Fulfils `faena.compute.contract.Backend`. `moved_from`: where the workspace was before, with nodes of then."""

    def __init__(
        self, folder: Path, monotonic: Callable[[], float] = time.monotonic, moved_from: str = ""
    ) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._rendezvous = Rendezvous(folder)
        self._before = Rendezvous(Path(moved_from)) if moved_from else None
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._rests: dict[str, tuple[float, float]] = {}
        """By adopter: when the next may start, and the seconds that it rested for."""

    def start(self, node: str) -> int | None:
        return self._start(node, ["serve", str(self._folder), node])

    def is_alive(self, node: str) -> bool:
        child = self._children.get(node)
        if child is not None and child.poll() is not None:  # reaped, so that no zombie stays
            del self._children[node]
            if child.returncode == 0:  # it had done its work
                self._rests.pop(node, None)
        if is_held(self._lock(node)):
            return True
        return self._before is not None and is_held(self._before.lock_of(node))

    def adopt(self, attempt: Path) -> None:
        self._tend("adopt-" + "-".join(attempt.parts[-3:]), ["adopt", str(self._folder), str(attempt)])

    def watch(self, process: str) -> None:
        self._tend(f"watch-{process}", ["watch", str(self._folder), process])

    def _tend(self, name: str, arguments: list[str]) -> None:
        """Start what does the work unless it lives; one that dies again and again rests between its lives."""
        if self.is_alive(name):
            return
        due, rest = self._rests.get(name, (0.0, _FIRST_REST / 2))
        if (now := self._monotonic()) < due:
            return
        rest = min(2 * rest, _LONGEST_REST)
        self._rests[name] = (now + rest, rest)
        self._start(name, arguments)

    def forget(self, node: str) -> None:
        self._lock(node).unlink(missing_ok=True)

    def _lock(self, name: str) -> Path:
        return self._rendezvous.lock_of(name)

    def _start(self, name: str, arguments: list[str]) -> int | None:
        """The lock is taken here and inherited: there is no moment at which a living node does not hold it."""
        lock = try_lock(self._lock(name))
        if lock is None:
            return None
        try:
            child = start_module("faena.node", arguments, log=self._folder / "nodes.log", pass_fds=(lock,))
        finally:
            os.close(lock)
        self._children[name] = child
        return child.pid
