"""The script of runs on joined nodes: counts on from its checkpoint, and says whether another one of its run lives.

With KILLS_TOLD it kills who a tag of its run says: `kill`: "ATTEMPT runner", guard or script.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import signal
import socket
import sys
import time
from typing import IO

from faena import Run

_BETWEEN = 0.05
_LOOKS = 4
"""Numbers between two looks at the run's tags."""


def main() -> None:
    try:
        alone = _held(os.environ["KILLS_ALONE"])
    except OSError as error:
        sys.exit(f"another script of this run lives: {error}")
    with alone:
        _count(int(os.environ["KILLS_COUNT"]), pathlib.Path("outputs", "checkpoints"))


def _held(name: str) -> IO[str] | socket.socket:
    """A file that one process has; with @ a socket without one (Linux), where no folder is known."""
    if name.startswith("@"):
        made = socket.socket(socket.AF_UNIX)
        made.bind(f"\0{name[1:]}")
        return made
    file = pathlib.Path(name).open("a")  # noqa: SIM115  who counts holds it
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _count(last: int, place: pathlib.Path) -> None:
    run = Run.get_context()
    place.mkdir(parents=True, exist_ok=True)
    saved = place / "count"
    count = int(saved.read_text()) if saved.exists() else 0
    _say(f"from {count}")
    while count < last:
        count += 1
        run.log("n", count)
        _say(f"{count}.")
        (place / "new").write_text(str(count))
        (place / "new").replace(saved)
        time.sleep(_BETWEEN)
        if "KILLS_TOLD" in os.environ and count % _LOOKS == 0:
            _kill_as_told(run.get_tags().get("kill", ""))


def _kill_as_told(told: str) -> None:
    attempt, _, victim = told.partition(" ")
    if attempt != os.environ["FAENA_ATTEMPT"]:
        return
    if victim == "runner":
        os.kill(_runner(), signal.SIGKILL)
    else:
        os.kill(os.getppid() if victim == "guard" else os.getpid(), signal.SIGKILL)


def _runner() -> int:
    """Above the guard, and what has forked it."""
    pid = os.getpid()
    while b"join" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:4]:
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
