"""The script of runs on joined nodes: counts on from its checkpoint, and says whether another one of its run lives."""

from __future__ import annotations

import fcntl
import os
import pathlib
import sys
import time

from faena import Run

_BETWEEN = 0.05


def main() -> None:
    with pathlib.Path(os.environ["KILLS_ALONE"]).open("a") as alone:
        try:
            fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("another script of this run lives")
        _count(int(os.environ["KILLS_COUNT"]), pathlib.Path("outputs", "checkpoints"))


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


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
