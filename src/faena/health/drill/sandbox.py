"""Where a drill takes place: folders of its own, and an environment in which nothing of the user's is seen."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faena.health.drill.joining import LEASE
from faena.kernel.errors import UserErrorException
from faena.testing.kills import processes
from faena.testing.kills.evidence import after
from faena.testing.waiting import until

_LEAVING = 30.0
"""Seconds that processes which have work of their own get to leave."""
_ROUNDS = 20
_LONGEST_RUNTIME = 60
"""Bytes of a runtime folder's path: sockets lie in it."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    base: Path
    runtime: Path

    @classmethod
    def make(cls) -> Sandbox:
        """In the system's folder for temporary files. Raises UserErrorException where nothing can be made there."""
        try:
            return cls._made()
        except OSError as error:
            raise UserErrorException(
                f"No folder for the drill can be made in {tempfile.gettempdir()}: {error.strerror}. "
                "Set TMPDIR to a folder that you can write to."
            ) from error

    @classmethod
    def _made(cls) -> Sandbox:
        base = Path(tempfile.mkdtemp(prefix="faena-drill-")).resolve()
        runtime = base / "rt"
        if len(os.fsencode(runtime)) > _LONGEST_RUNTIME:
            runtime = Path(tempfile.mkdtemp(prefix="faena-drill-", dir="/tmp"))
        runtime.mkdir(mode=0o700, exist_ok=True)
        (base / "home").mkdir(mode=0o700)
        return cls(base, runtime)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Everything that this process starts meanwhile belongs to the sandbox."""
        before = dict(os.environ)
        for name in [name for name in os.environ if name.startswith("FAENA_")]:
            del os.environ[name]
        os.environ |= {
            "FAENA_HOME": str(self.base / "home"),
            "FAENA_RUNTIME": str(self.runtime),
            "FAENA_NODE_LEASE": LEASE,
        }
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def left(self) -> list[int]:
        """Processes of the sandbox that do not leave."""
        waited = after(_LEAVING)
        until(lambda: waited() or not processes.of_runtime(self.runtime), "all left", seconds=_LEAVING + 10)
        return processes.of_runtime(self.runtime)

    def clear(self) -> None:
        """Kill what is left in the sandbox, by its mark, so that nothing outlives the drill."""
        for _ in range(_ROUNDS):  # who is killed first may be replaced by the others
            left = processes.of_runtime(self.runtime)
            if not left:
                return
            for pid in left:
                processes.kill_of_runtime(pid, self.runtime)

    def remove(self) -> None:
        for folder in {self.base, self.runtime}:
            shutil.rmtree(folder, ignore_errors=True)
