"""Every benchmark, one after another, each in a process of its own; writes benchmarks/RESULTS.md.

    make bench
    python -m benchmarks.all [--quick] [--only NAME …] [--results FILE]

Exits with 1 if a benchmark could not be run. A missed budget is a result, not a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.ground import HIDING, machine, rival_python
from benchmarks.rows import Row, cells, show

RESULTS = Path(__file__).with_name("RESULTS.md")
NAMES = (
    "starting",
    "first_line",
    "trivial_run",
    "run_log",
    "ingest",
    "environment",
    "snapshot",
    "finalizing",
    "log_latency",
    "death",
    "interactive",
    "proxies",
    "cost",
    "memory",
    "queue",
    "sampler",
    "sweeps",
    "sharing",
    "stopping",
    "warm",
    "ranks",
    "search",
    "chart",
    "living",
    "backup",
    "bucket",
    "page",
    "tabular",
    "notebook",
    "notebook_overhead",
    "pages",
    "mlflow_clients",
    "team_server",
    "two_databases",
    "endpoints",
    "nodes",
    "many_nodes",
    "joined_line",
    "node_files",
    "on_ray",
)
HEAD = """# Results

Written by `make bench`, {date}, at commit {commit}{later}: {machine}. Rivals: {rival}.

Medians unless the row says otherwise. Faena and rivals run with bytecode compiled and without
PYTHONDONTWRITEBYTECODE and PYTHONUNBUFFERED. The ratio is Faena's figure divided by the rival's of the same run;
published figures of rivals come from other machines and get none. Load: the one-minute average before → after a
benchmark; what it runs itself counts too.

{verdict}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the benchmarks and write their results.")
    parser.add_argument("--quick", action="store_true", help="few repetitions: to try the benchmarks")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, help="default: all")
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"default: {RESULTS.name} beside this")
    options = parser.parse_args()
    date, parts, missed, failed = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", [], [], []
    at = commit()
    for name in options.only:
        before = os.getloadavg()[0]
        found = rows_of(name, options.quick)
        parts += ["", f"## `python -m benchmarks.{name}`", ""]
        parts += [f"Load: {before:.2f} → {os.getloadavg()[0]:.2f}.", ""]
        if isinstance(found, str):
            failed.append(name)
            print(f"\n{name} could not be run:\n{found}")
            parts += ["Could not be run:", "", "```", found, "```"]
            continue
        show(name, found)
        parts += table(found)
        missed += [row.name for row in found if row.holds is False]
    verdict = f"Missed: {'; '.join(missed) or 'none'}."
    if failed:
        verdict += f" Could not be run: {', '.join(failed)}."
    later = "" if (now := commit()) == at else f" (changed to {now} during the run)"
    head = HEAD.format(date=date, commit=at, later=later, machine=machine(), rival=rival(), verdict=verdict)
    options.results.write_text(head + "\n".join(parts) + "\n")
    return 1 if failed else 0


def rows_of(name: str, quick: bool) -> list[Row] | str:
    """What a benchmark measured, or the end of what it said when it failed."""
    environment = {key: value for key, value in os.environ.items() if key not in HIDING}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        file = Path(folder, "rows.json")
        given = [sys.executable, "-m", "benchmarks.rows", name, str(file), *(["--quick"] if quick else [])]
        done = subprocess.run(
            given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False
        )
        if done.returncode:
            return done.stdout.strip()[-2000:]
        return [Row(**row) for row in json.loads(file.read_text())]


def table(rows: Sequence[Row]) -> list[str]:
    lines = ["| row | budget | faena | rival | ratio | holds | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        name, budget, value, beside, ratio, holds, note = cells(row)
        lines.append(f"| {name} | {budget} | {value} | {beside} | {ratio} | {holds} | {note} |")
    return lines


def commit() -> str:
    """The checkout's commit; `-dirty` if tracked files differ from it."""
    described = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(described, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def rival() -> str:
    if (python := rival_python()) is None:
        return "none installed (RIVAL_PYTHON is not set)"
    ask = "from importlib.metadata import version; print('mlflow', version('mlflow'))"
    return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
