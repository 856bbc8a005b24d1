"""A training script whose parameters a sweep chooses. It logs five values, and says of each call that it returned.

What it says goes to a file outside the run, one `os.write` each. With `--state` it goes on from the checkpoint in that
folder, and leaves its own: the runs that have trained it, itself the last.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from faena import Run

PACE = 0.1
"""Seconds between two values: no wait for anything, a script that takes its time."""
VALUES = 5
STATE = "state.json"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--x", type=float)
    parser.add_argument("--n", type=int)
    parser.add_argument("--state")
    asked = parser.parse_args()
    confirm = os.open(os.environ["KILLS_CONFIRM"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
    run_id = os.environ["FAENA_RUN_ID"]
    os.write(confirm, f"{run_id} begin\n".encode())
    run = Run.get_context()
    for step in range(VALUES):
        run.log("score", value_of(asked.x, asked.n, step))
        os.write(confirm, f"{run_id} {step}\n".encode())
        time.sleep(PACE)
    if asked.state:
        _go_on(Path(asked.state, STATE), run_id)


def _go_on(path: Path, run_id: str) -> None:
    trained_by = json.loads(path.read_text()) if path.exists() else []
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([*trained_by, run_id]))


def value_of(x: float, n: int, step: int) -> float:
    return n + x * (step + 1)


if __name__ == "__main__":
    main()
