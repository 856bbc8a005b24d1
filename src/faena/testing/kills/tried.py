"""A training script whose parameters a sweep chooses. It logs five values, and says of each call that it returned.

What it says goes to a file outside the run, one `os.write` each.
"""

from __future__ import annotations

import argparse
import os
import time

from faena import Run

PACE = 0.1
"""Seconds between two values: no wait for anything, a script that takes its time."""
VALUES = 5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--x", type=float)
    parser.add_argument("--n", type=int)
    asked = parser.parse_args()
    confirm = os.open(os.environ["KILLS_CONFIRM"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
    run_id = os.environ["FAENA_RUN_ID"]
    os.write(confirm, f"{run_id} begin\n".encode())
    run = Run.get_context()
    for step in range(VALUES):
        run.log("score", value_of(asked.x, asked.n, step))
        os.write(confirm, f"{run_id} {step}\n".encode())
        time.sleep(PACE)


def value_of(x: float, n: int, step: int) -> float:
    return n + x * (step + 1)


if __name__ == "__main__":
    main()
