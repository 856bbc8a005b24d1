"""Every benchmark, one after another; writes benchmarks/RESULTS.md.

    make bench

The older ones (run_log, ingest, environment, snapshot) print tables of their own, which are kept as they are.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import cost, first_line, live, starting
from benchmarks.ground import HIDING, Row, machine, show

RESULTS = Path(__file__).with_name("RESULTS.md")
MEASURED: dict[str, Callable[[], list[Row]]] = {
    "starting": starting.measure,
    "first_line": first_line.measure,
    "live": live.measure,
    "cost": cost.measure,
}
TABLES = {
    "run_log": ["--folder", "."],
    "ingest": [],
    "environment": [],
    "snapshot": [],
}


def main() -> None:
    parts = [
        "# Results",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {machine()}. Medians unless it says otherwise. "
        "Faena and rivals run with bytecode compiled and without PYTHONDONTWRITEBYTECODE and PYTHONUNBUFFERED.",
    ]
    for name, measure in MEASURED.items():
        load = os.getloadavg()[0]
        rows = measure()
        show(name, rows)
        parts += ["", f"## `python -m benchmarks.{name}`", "", f"Load before it: {load:.1f}.", ""]
        parts += ["| what | measured | budget | | beside it |", "|---|---|---|---|---|"]
        for row in rows:
            verdict = {True: "holds", False: "missed", None: ""}[row.holds]
            parts.append(f"| {row.name} | {row.measured} | {row.budget} | {verdict} | {row.rival} |")
    for name, arguments in TABLES.items():
        load = os.getloadavg()[0]
        text = table(name, arguments)
        print(text)
        parts += [
            "",
            f"## `python -m benchmarks.{name}`",
            "",
            f"Load before it: {load:.1f}.",
            "",
            "```",
            text,
            "```",
        ]
    RESULTS.write_text("\n".join(parts) + "\n")


def table(name: str, arguments: list[str]) -> str:
    """What a benchmark with a table of its own prints."""
    environment = {key: value for key, value in os.environ.items() if key not in HIDING}
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return (done.stdout + ("" if done.returncode == 0 else done.stderr)).strip()


if __name__ == "__main__":
    main()
