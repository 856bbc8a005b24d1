"""Nodes are processes on the server's own host; one lives as long as it holds its flock."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from faena.kernel.discovery import NODES_LOG, Rendezvous, is_held, start_module, try_lock

_FIRST_REST, _LONGEST_REST = 0.25, 60.0
"""Seconds before what is tended is started anew after it died; they double each time."""


class LocalBackend:
    """Fulfils `faena.compute.contract.Backend`. `moved_from`: where the workspace was before, with nodes of then."""

    def __init__(
        self, folder: Path, monotonic: Callable[[], float] = time.monotonic, moved_from: str = ""
    ) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._rendezvous = Rendezvous(folder)
        here = self._rendezvous.nodes
        self._lock_folders = [here, Rendezvous(Path(moved_from)).nodes] if moved_from else [here]
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._rests: dict[str, tuple[float, float]] = {}
        """By what is tended: when the next may start, and the seconds that it rested for."""

    def start(self, node: str) -> int | None:
        return self._start(node, ("serve", node))

    def alive(self) -> set[str]:
        for name in list(self._children):
            self._reap(name)
        locks = [path for folder in self._lock_folders for path in folder.glob("*.lock")]
        return {path.stem for path in locks if is_held(path)}

    def tend(self, name: str, arguments: Sequence[str]) -> None:
        self._reap(name)
        if is_held(self._lock(name)):
            return
        due, rest = self._rests.get(name, (0.0, _FIRST_REST / 2))
        if (now := self._monotonic()) < due:
            return
        rest = min(2 * rest, _LONGEST_REST)
        self._rests[name] = (now + rest, rest)
        self._start(name, arguments)

    def forget(self, node: str) -> None:
        self._lock(node).unlink(missing_ok=True)

    def _reap(self, name: str) -> None:
        """So that no zombie stays of a child that ended."""
        child = self._children.get(name)
        if child is not None and child.poll() is not None:
            self._children.pop(name, None)
            if child.returncode == 0:  # it had done its work
                self._rests.pop(name, None)

    def _lock(self, name: str) -> Path:
        return self._rendezvous.lock_of(name)

    def _start(self, name: str, arguments: Sequence[str]) -> int | None:
        """The lock is taken here and inherited: there is no moment at which a living node does not hold it."""
        lock = try_lock(self._lock(name))
        if lock is None:
            return None
        verb, *rest = arguments
        try:
            child = start_module(
                "faena.node",
                [verb, str(self._folder), *rest],
                log=self._folder / NODES_LOG,
                pass_fds=(lock,),
            )
        finally:
            os.close(lock)
        self._children[name] = child
        return child.pid
