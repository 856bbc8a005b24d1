"""Processes of `benchmarks.fake_nodes`, and what their nodes tell."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from faena import JoinedCluster

_PROCESSES = 4
_PATIENCE = 300.0


class Fleet:
    """`number` fake nodes of a cluster, which have begun to join; their scripts log so many `points` a second."""

    def __init__(self, cluster: JoinedCluster, number: int, points: float = 0) -> None:
        made = cluster.join_token()
        self.began = time.monotonic()
        self.number = number
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        each = [number // _PROCESSES + (which < number % _PROCESSES) for which in range(_PROCESSES)]
        self._processes = [
            _started(made.url, made.token, f"r{which}-", count, points) for which, count in enumerate(each)
        ]
        self._readers = [
            threading.Thread(target=self._read, args=(process,), daemon=True) for process in self._processes
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for process, reader in zip(self._processes, self._readers, strict=True):
            reader.join()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()

    def wait(self, word: str, number: int, patience: float = _PATIENCE) -> list[dict[str, Any]]:
        """The next so many things that they tell of a kind; others are passed over."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + patience
        while len(found) < number:
            try:
                said = self._told.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise RuntimeError(
                    f"{len(found)} of {number} have told of {word!r} in {patience:g} s"
                ) from None
            if word in said:
                found.append(said)
        return found

    def say(self, word: str) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{word}\n")

    def counts(self) -> Counter[str]:
        """What they have done, and what befell them."""
        found: Counter[str] = Counter()
        for each in self._asked():
            found.update(each["counts"])
        return found

    def heard(self, *, last: bool = False) -> float:
        """When a beat was answered last, by the monotonic clock: of the node for which that is longest ago.

        `last`: when the first answer came to the last one that had to wait for it.
        """
        told = [float(each["first" if last else "heard"]) for each in self._asked()]
        return max(told) if last else min(told)

    def _asked(self) -> list[dict[str, Any]]:
        self.say("ask")
        return self.wait("counts", _PROCESSES, 60.0)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._told.put(json.loads(line))


def _started(url: str, token: str, prefix: str, number: int, points: float) -> subprocess.Popen[str]:
    """They stand for other machines: the server and who asks it come first on this one."""
    last = ("nice", "-n", "19")
    words = [
        *last,
        sys.executable,
        "-m",
        "benchmarks.fake_nodes",
        url,
        token,
        prefix,
        str(number),
        f"{points:g}",
    ]
    root = Path(__file__).parents[1]
    return subprocess.Popen(
        words, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
