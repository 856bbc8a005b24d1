"""A shared server while 200 runs log 100 points a second each and 20 people browse: on SQLite, on PostgreSQL.

    python -m benchmarks.team_load [--quick] [--database sqlite|postgresql] [--runs N] [--people N] [--seconds S]

Runs are those of nodes elsewhere, by the true protocol over the true listener with TLS: the bytes of a spool, as
`Run.log` writes them, sent when a runner would send them (`faena.attempts.pace`), sooner where somebody watches. There
are no scripts and no runners: 200 of them would have the two cores to themselves. People are `benchmarks.browsing`:
signed in with tokens of their own, three of four with a browser. Each point is counted afterwards, and compared with
what was logged. Runs come last (`nice`), as they are elsewhere in truth; the database has the server's machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fake_scripts
from benchmarks.fake_fleet import Fleet
from benchmarks.ground import submit
from benchmarks.rows import Row, at_most, show
from benchmarks.team_ground import DATABASES, Team, team
from faena import JoinedCluster
from faena.client.metrics.series import NO_STEP, parts
from faena.compute.machines.schemas import ListenerRequest
from faena.testing.waiting import until

BUDGET_MS = 300.0
POINTS = 100.0
_SETTLING = 6.0
"""Seconds until runs that have just begun send as seldom as they do later."""


def measure(quick: bool = False, databases: Sequence[str] = DATABASES) -> list[Row]:
    runs, people, seconds = (10, 4, 3.0) if quick else (200, 20, 60.0)
    return [row for kind in databases for row in of(kind, runs, people, seconds)]


def of(kind: str, runs: int, people: int, seconds: float) -> list[Row]:
    with team(kind) as there:
        tokens = there.people(people)
        there.workspace.api.nodes.listen(ListenerRequest())
        cluster = JoinedCluster.create(there.workspace, "far", max_nodes=runs)
        with Fleet(cluster, runs, POINTS) as fleet:
            fleet.wait("joined", runs)
            _idle(there, runs)
            for _ in range(runs):
                submit(there.workspace, cluster, "print('never run')\n")
            fleet.wait("order", runs)
            _all_have_points(there, runs)
            time.sleep(_SETTLING if runs > 10 else 0.0)
            found = _browsed(there, fleet, tokens, seconds)
            fleet.say("end")
            closed = {each["closed"]: each["steps"] for each in fleet.wait("closed", runs)}
            counted, lost = _points(there, closed)
        return [*_rows(found, people), *_kept(kind, counted, lost, runs)]


def _idle(there: Team, runs: int) -> None:
    def ready() -> bool:
        return there.workspace.api.cluster("far").status.node_state_counts.idle_node_count == runs

    until(ready, "all nodes idle", seconds=120)


def _all_have_points(there: Team, runs: int) -> None:
    """Who asks for the curve of a run that has sent nothing yet is told, truthfully, that there is none."""
    asked = f'metrics."{fake_scripts.METRICS[-1]}" >= 0'

    def have() -> bool:
        return len(there.workspace.api.runs(filter=asked, limit=runs)) == runs

    until(have, "all have sent points", seconds=120)


class Found:
    """What was measured while people browsed."""

    def __init__(self, kind: str, seconds: float) -> None:
        self.kind, self.seconds = kind, seconds
        self.cpu = self.database = 0.0
        self.memory = (0.0, 0.0)
        self.counts: dict[str, int] = {}
        self.said: dict[str, Any] = {}


def _browsed(there: Team, fleet: Fleet, tokens: list[str], seconds: float) -> Found:
    found = Found("sqlite" if there.database is None else "postgresql", seconds)
    command = [sys.executable, "-m", "benchmarks.browsing", there.url, f"{seconds:g}", *tokens]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as people:
        assert people.stdout is not None
        people.stdout.readline()
        before, used, began = fleet.counts(), there.cpu(), time.monotonic()
        found.said = json.loads(people.stdout.readline())
    after, lasted = there.cpu(), time.monotonic() - began
    found.cpu, found.database = (100 * (then - at) / lasted for then, at in zip(after, used, strict=True))
    found.memory = there.memory()
    counts = fleet.counts()
    counts.subtract(before)
    found.counts = {name: round(count / lasted) for name, count in counts.items() if count}
    return found


def _points(there: Team, closed: dict[str, int]) -> tuple[int, int]:
    """(how many are there, how many of those that were logged are not, or are other ones, or are there twice)."""
    until(
        lambda: all(there.workspace.api.run(run_id).ended_at for run_id in closed),
        "all have ended",
        seconds=120,
    )
    counted = lost = 0
    for run_id, steps in closed.items():
        for name in fake_scripts.METRICS if steps else ():
            wanted = fake_scripts.values(run_id, name, steps)
            got = list(parts(there.workspace, run_id, name))
            step = np.concatenate([np.frombuffer(part.step, np.int64) for part in got])
            value = np.concatenate([np.asarray(part.value, np.float64) for part in got])
            assert not (step == NO_STEP).any()
            counted += len(step)
            same = len(step) == steps and bool((step == np.arange(steps)).all() and (value == wanted).all())
            lost += 0 if same else max(1, abs(steps - len(step)))
    return counted, lost


def _rows(found: Found, people: int) -> list[Row]:
    where = found.kind
    took: dict[str, list[float]] = found.said["took"]
    everything = sorted(each for times in took.values() for each in times)
    rate = len(everything) / found.seconds
    failed = ", ".join(f"{count} times {what}" for what, count in found.said["failed"].items())
    rows = [
        at_most(
            f"{where}: pages and API, p99",
            _part(everything, 0.99),
            BUDGET_MS,
            "ms",
            note=f"median {_part(everything, 0.5):.0f}, worst {everything[-1]:.0f} ms; {people} people, {rate:.0f} "
            f"requests/s, {found.said['events'] / found.seconds:.0f} events/s; failed: {failed or 'none'}",
        )
    ]
    for name, times in sorted(took.items()):
        times.sort()
        note = f"median {_part(times, 0.5):.0f}, worst {times[-1]:.0f} ms of {len(times)}"
        rows.append(at_most(f"{where}: {name}, p99", _part(times, 0.99), BUDGET_MS, "ms", note=note))
    rates = ", ".join(f"{name} {count}/s" for name, count in sorted(found.counts.items()))
    rows += [
        Row(f"{where}: server CPU", "", found.cpu, "% of a core", note=rates),
        Row(f"{where}: server memory", "", found.memory[0], "MB"),
    ]
    if found.database:
        rows += [
            Row(f"{where}: database CPU", "", found.database, "% of a core"),
            Row(f"{where}: database memory", "", found.memory[1], "MB", note="PSS of all its processes"),
        ]
    return rows


def _kept(kind: str, counted: int, lost: int, runs: int) -> list[Row]:
    note = f"{counted:,} points of {runs} runs were read again, step by step"
    return [at_most(f"{kind}: points that are not there, or not once", lost, 0, "points", note=note)]


def _part(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description="A shared server with many runs and people.")
    parser.add_argument("--quick", action="store_true", help="10 runs, 4 people, 3 s")
    parser.add_argument("--database", choices=DATABASES, help="default: both, one after the other")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--people", type=int)
    parser.add_argument("--seconds", type=float)
    given = parser.parse_args()
    runs, people, seconds = (10, 4, 3.0) if given.quick else (200, 20, 60.0)
    for kind in [given.database] if given.database else DATABASES:
        rows = of(kind, given.runs or runs, given.people or people, given.seconds or seconds)
        show(f"A team's server, {kind}", rows)


if __name__ == "__main__":
    main()
