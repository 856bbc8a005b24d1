"""Captures a folder of 10,000 files in which nothing changed, beside `git status` on the same folder.

    python -m benchmarks.snapshot [--files 10000] [--rounds 15]

Budget: 200 ms for the whole capture, git state included (median). Rounds of both alternate, so that what else the
machine does falls on both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.rows import Row, at_most
from faena.data.snapshots import capture

BUDGET_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds; medians but for the two first captures."""

    first: float
    second: float
    unchanged: float
    git: float
    edited: float


def measure(quick: bool = False) -> list[Row]:
    found = time_captures(files := 10_000, 3 if quick else 15)
    row = at_most(
        f"snapshot of {files:,} files, nothing changed",
        found.unchanged * 1000,
        BUDGET_SECONDS * 1000,
        "ms",
        rival="git status",
        rival_value=found.git * 1000,
        note=f"one file edited {found.edited * 1000:.0f} ms, first capture {found.first * 1000:.0f} ms",
    )
    return [row]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        parser.error("unset PYTHONDONTWRITEBYTECODE first")
    found = time_captures(arguments.files, arguments.rounds)
    print(f"files                      {arguments.files:>8,}")
    again = f"(again while young: {found.second * 1000:.0f} ms)"
    print(f"first capture, all read    {found.first * 1000:8.0f} ms   {again}")
    budget = f"budget {BUDGET_SECONDS * 1000:.0f} ms"
    print(f"nothing changed, median    {found.unchanged * 1000:8.0f} ms   {budget}")
    print(f"one file edited, median    {found.edited * 1000:8.0f} ms")
    ratio = found.unchanged / found.git
    print(f"git status, median         {found.git * 1000:8.0f} ms   ratio {ratio:.1f}")
    return int(found.unchanged > BUDGET_SECONDS)


def time_captures(files: int, rounds: int) -> Times:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:
        source, index = Path(place, "source"), Path(place, "index")
        make_tree(source, files)
        first = timed(lambda: capture(source, index=index))
        # Files as young as the index are read again, by design: wait until these are not.
        time.sleep(2.5)
        second = timed(lambda: capture(source, index=index))
        turns = [
            (timed(lambda: capture(source, index=index)), timed(lambda: git_status(source)))
            for _ in range(rounds)
        ]
        edited = []
        for number in range(3):
            (source / "d000" / "f000.py").write_text(f"# edited {number}\n")
            edited.append(timed(lambda: capture(source, index=index)))
    unchanged, git = (statistics.median(times) for times in zip(*turns, strict=True))
    return Times(first, second, unchanged, git, statistics.median(edited))


def make_tree(source: Path, files: int) -> None:
    for folder in range(-(-files // 100)):
        place = source / f"d{folder:03d}"
        place.mkdir(parents=True)
        for file in range(min(100, files - folder * 100)):
            (place / f"f{file:03d}.py").write_text(f"# file {folder} {file}\n" * 30)
    (source / ".gitignore").write_text("*.pyc\nbuild/\n.venv/\n")
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "tree"]):
        subprocess.run(["git", *identity, *command], cwd=source, check=True)


def git_status(source: Path) -> None:
    subprocess.run(
        ["git", "status", "--porcelain=v2", "--branch"],
        cwd=source,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )


def timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
