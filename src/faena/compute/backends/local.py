"""Nodes are processes on the server's own host; one lives as long as it holds its flock."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from faena.kernel.presence import Rendezvous, is_held, start_module, try_lock


class LocalBackend:
    """Fulfils `faena.compute.contract.Backend`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rendezvous = Rendezvous(folder)
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, node: str) -> int | None:
        return self._start(node, ["serve", str(self._folder), node])

    def is_alive(self, node: str) -> bool:
        child = self._children.get(node)
        if child is not None and child.poll() is not None:  # reaped, so that no zombie stays
            del self._children[node]
        return is_held(self._lock(node))

    def adopt(self, attempt: Path) -> None:
        name = "adopt-" + "-".join(attempt.parts[-3:])
        if not self.is_alive(name):
            self._start(name, ["adopt", str(self._folder), str(attempt)])

    def forget(self, node: str) -> None:
        self._lock(node).unlink(missing_ok=True)

    def _lock(self, name: str) -> Path:
        return self._rendezvous.nodes / f"{name[-100:]}.lock"

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
