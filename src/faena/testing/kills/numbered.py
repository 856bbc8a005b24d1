"""A training script that numbers its points and lines, and says of each call that returned that it did.

What it says goes to a file outside the run, one `os.write` each: what stands there must be found in the run, and at
most the one call that was under way when the script was killed may be found beyond it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import random
import time
from pathlib import Path
from typing import Any

from faena import Run

PACE = 0.002
"""Seconds between two numbers: no wait for anything, a script that takes its time."""
LEAST = 20


def main() -> None:
    run = Run.get_context()
    confirm = os.open(os.environ["KILLS_CONFIRM"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def say(what: str, value: object) -> None:
        os.write(confirm, f"{what} {value} {time.time_ns() // 1000}\n".encode())

    say("begin", os.getpid())
    release = Path(os.environ["KILLS_RELEASE"])
    lines = Lines()
    number = 0
    while number < LEAST or not release.exists():
        number += 1
        dropped = _dropped(run)
        run.log("n", number)
        say("point" if _dropped(run) == dropped else "dropped", number)
        if lines.write(number):
            say("line", number)
        if number == LEAST and (name := os.environ.get("KILLS_MODEL")):
            say("model", _write_model())
            say("registered", run.register_model(name, "outputs/model.bin").version)
        time.sleep(PACE)
    say("model", _write_model())
    for file in range(int(os.environ.get("KILLS_FILES", "0"))):
        Path(f"outputs/{file}.txt").write_text(f"file {file}\n")
    say("end", _dropped(run))


def _dropped(run: Any) -> int:
    return int(run._sink.dropped)  # what log() does not tell, only counts


class Lines:
    """Numbered lines on stdout, each with a full stop, so that a torn one is recognised."""

    def __init__(self) -> None:
        self._torn = False

    def write(self, number: int) -> bool:
        """Whether the whole line was written: a full disk takes part of it, or nothing."""
        line = b"%s%d.\n" % (b"\n" if self._torn else b"", number)
        try:
            written = os.write(1, line)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return False
        self._torn = written < len(line) if written > 0 else self._torn
        return written >= len(line) - 1


def _write_model() -> str:
    """The digest of the model file, which is the same whenever it is written."""
    data = random.Random(os.environ["FAENA_RUN_ID"]).randbytes(int(os.environ["KILLS_MODEL_BYTES"]))
    path = Path("outputs/model.bin")
    if not path.exists():
        path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    main()
