"""`python -m tests.faults`: the whole kill campaign. It exits with 1 when anything was lost, doubled, wrong or left."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from faena.testing.kills import processes
from faena.testing.kills.evidence import after
from faena.testing.kills.phases import Phase, Victim
from faena.testing.kills.table import Row, render
from faena.testing.waiting import until
from tests.faults import absence, endpoint_table, endpoints, full_disk, many, sweeps
from tests.faults.campaign import CELLS, Cell, KillCampaign, Plan
from tests.faults.surroundings import Surroundings

_LEAVING = 60.0
"""Seconds that processes which have work of their own get to leave."""


def main() -> int:
    options = _parser().parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    print(f"seed {seed}, {options.kills} kills a cell, {options.jobs} sites side by side", flush=True)
    base = Path(tempfile.mkdtemp(prefix="faena-faults-", dir="/tmp"))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.pop("PYTHONUNBUFFERED", None)
    around = Surroundings(base)
    os.environ.update(around.variables())
    rows: list[Row] = []
    of_endpoints: list[endpoint_table.Row] = []
    left: list[int] = []
    try:
        if options.kills:
            plan = Plan(
                options.kills, options.jobs, seed, base / "kills", around.links, cells=tuple(options.cells)
            )
            rows += KillCampaign(plan, _tell).run()
        for seconds in options.absences:
            rows.append(
                absence.away(base / f"away{seconds:g}", around.links, seconds, options.absence_runs, _tell)
            )
        if options.sweeps:
            rows += sweeps.killed(base / "sweeps", around.links, options.sweeps, seed, _tell)
        if options.runs:
            rows.append(many.to_their_end(base / "many", around.links, options.runs, _tell))
        if options.endpoints:
            plan_of_endpoints = endpoint_table.Plan.of(options.endpoints)
            of_endpoints = endpoints.endured(base / "endpoints", plan_of_endpoints, seed, _tell)
        if not options.no_disk:
            rows.append(full_disk.fill(base / "disk", around.links, _tell))
        left = _left(around.runtime)
    finally:
        print(render(rows), flush=True)
        if of_endpoints:
            print(endpoint_table.render(of_endpoints), flush=True)
    if left:
        print(f"LEFT after all: processes {left}")
    clean = not left and all(row.is_clean for row in rows) and all(row.is_clean for row in of_endpoints)
    if clean:
        shutil.rmtree(base)
    else:
        print(f"What was found lies in {base}")
    verdict = "nothing lost, doubled, wrong or left" if clean else "NOT CLEAN"
    times = sum(row.kills for row in rows) + sum(row.times for row in of_endpoints if row.is_kill)
    print(f"{times} kills: {verdict}")
    return 0 if clean else 1


def _left(runtime: Path) -> list[int]:
    """Who still runs. A builder of environments may take its time: it compiles bytecode when its work is done."""
    waited = after(_LEAVING)
    until(lambda: waited() or not processes.of_runtime(runtime), "all have left", seconds=_LEAVING + 10)
    return processes.of_runtime(runtime)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="kills in each cell (default 20; 0: none)")
    parser.add_argument(
        "--cells", type=cell, nargs="+", default=CELLS, help="such as runner/queued (default: all)"
    )
    parser.add_argument("--jobs", type=int, default=2, help="workspaces side by side (default 2)")
    parser.add_argument("--seed", type=int, help="repeat a campaign (default: drawn and printed)")
    parser.add_argument(
        "--absences", type=float, nargs="*", default=[0.0, 20.0, 60.0], help="seconds without a server"
    )
    parser.add_argument("--absence-runs", type=int, default=20, help="runs for each absence (default 20)")
    parser.add_argument(
        "--runs",
        type=int,
        default=3000,
        help="runs at once whose scripts do next to nothing (default 3000; 0: none)",
    )
    parser.add_argument(
        "--sweeps", type=int, default=200, help="kills in the middle of sweeps (default 200; 0: none)"
    )
    parser.add_argument(
        "--endpoints",
        type=int,
        default=200,
        help="kills of an endpoint's workers, and updates, kills of its front and so on in proportion (default 200; "
        "0: none)",
    )
    parser.add_argument("--no-disk", action="store_true", help="leave the full disk out")
    return parser


def cell(text: str) -> Cell:
    victim, _, phase = text.partition("/")
    return Victim(victim), Phase(phase)


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
