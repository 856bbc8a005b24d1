"""The runner's end of a template: the process that has an environment's packages loaded (`template.py`)."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from faena.kernel.python36.folder import faena_of
from faena.node import forking
from faena.node.forking import Started
from faena.node.warm.record import Record

_PATIENCE = 20.0
"""Seconds that its packages may take to be loaded, and a fork: longer, and the run is started cold."""
_ANSWER = 4096
_MOST_TOLD = 1 << 24


class NoTemplate(Exception):
    """The interpreter cannot be one, and why."""


class Template:
    """It loads its packages from the beginning; who asks for a script waits until it has."""

    def __init__(
        self, python: str, variables: Mapping[str, str], record: Record, *, built: bool, idle: float
    ) -> None:
        """`built`: whether Faena made the environment. `idle`: seconds without a script after which it leaves.

        Raises OSError.
        """
        self.record = record
        self.names: frozenset[str] = frozenset()
        """Top-level modules that it has loaded and a fresh interpreter has not; known once it is ready."""
        self._files: dict[str, int] | None = None
        told = {"modules": record.modules, "left_out": record.left_out, "built": built, "idle": idle}
        self._told = forking.file_of(told)
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.settimeout(_PATIENCE)
        self._output, log = os.memfd_create("faena-output"), os.dup(2)
        given = [theirs.fileno(), log, self._told]
        script = faena_of(python) / "node" / "warm" / "template.py"
        try:
            self._process = subprocess.Popen(
                [python, str(script), *map(str, given)],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                pass_fds=given,
                start_new_session=True,
                cwd="/",
                env=dict(variables),
            )
        except BaseException:
            self._channel.close()
            for descriptor in (self._told, self._output):
                os.close(descriptor)
            raise
        finally:
            theirs.close()
            os.close(log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_of_use(self) -> bool:
        """Whether it lives, and nothing of what it has loaded has been changed since. Does not wait."""
        return self._process.poll() is None and (self._files is None or _are_as_they_were(self._files))

    def wait_until_ready(self) -> None:
        """Raises NoTemplate, and TimeoutError where it is not: nobody waits a second time."""
        if self._files is not None:
            return
        try:
            is_ready = bool(self._channel.recv(_ANSWER))
        except (TimeoutError, BlockingIOError):
            self._channel.settimeout(0)
            raise TimeoutError("its packages take too long to be loaded") from None
        except ConnectionError:
            is_ready = False
        if not is_ready:
            raise NoTemplate(f"it ended while it loaded its packages ({self._last_words()})")
        self._channel.settimeout(_PATIENCE)
        told = json.loads(os.pread(self._told, _MOST_TOLD, 0))
        if "refused" in told:
            raise NoTemplate(told["refused"])
        self.names, self._files = frozenset(told["names"]), told["files"]
        self.record = Record(self.record.modules, told["left_out"])

    def start(self, folder: Path, descriptors: Sequence[int]) -> Started:
        """The guard of the attempt in `folder`, as `ForkServer.fork`. Raises ForkServerLost, OSError."""
        return forking.ask(self._channel, folder, descriptors)

    def _last_words(self) -> str:
        said = os.pread(self._output, _MOST_TOLD, 0).decode("utf-8", "replace").split("\n")
        return next((line.strip()[:200] for line in reversed(said) if line.strip()), "it said nothing")

    def close(self) -> None:
        """Let it go; what it has forked lives on."""
        self._channel.close()
        for descriptor in (self._told, self._output):
            os.close(descriptor)
        self._process.kill()
        self._process.wait()


def _are_as_they_were(files: Mapping[str, int]) -> bool:
    try:
        return all(os.stat(path).st_mtime_ns == then for path, then in files.items())  # noqa: PTH116  many a run
    except OSError:
        return False
