"""A training script on a host: it numbers points and lines, goes on from its checkpoint, and says that it lives.

What it says goes to a file of its host, one `os.write` each: attempt, what, number, and the host's time since its boot.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from faena import Run

PACE = 0.02
"""Seconds between two numbers; two scripts that both live for longer are seen."""
_BETWEEN_CHECKPOINTS = 10
_OUTPUT = 50 << 20


def main() -> None:
    run = Run.get_context()
    attempt = os.environ["FAENA_ATTEMPT"]
    confirm = os.open("/tmp/confirmed", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)

    def say(what: str, value: int) -> None:
        at = time.clock_gettime(time.CLOCK_BOOTTIME)
        os.write(confirm, f"{attempt} {what} {value} {at:.3f}\n".encode())

    begun = Path(os.environ["FAENA_CHECKPOINTS"], "number")
    number = int(begun.read_text()) if begun.exists() else 0
    say("begin", number)
    Path("outputs/checkpoints").mkdir(parents=True, exist_ok=True)
    release = Path("/tmp/release")
    while not release.exists():
        number += 1
        run.log("n", number)
        say("point", number)
        os.write(1, f"{number}.\n".encode())
        say("line", number)
        if number % _BETWEEN_CHECKPOINTS == 0:
            new = Path("outputs/checkpoints/.new")
            new.write_text(str(number))
            new.rename("outputs/checkpoints/number")
        time.sleep(PACE)
    for part in range(int(os.environ.get("LIVING_OUTPUTS", "0"))):
        Path(f"outputs/{part}.bin").write_bytes(os.urandom(_OUTPUT))
    Path("outputs/end.txt").write_text(f"attempt {attempt}\n")
    say("end", number)


if __name__ == "__main__":
    main()
