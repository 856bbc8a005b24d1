"""What proxies cost: the same calls of handles in this Python, and from the oldest one here through a helper.

    python -m benchmarks.proxies [--quick]

Both sides take turns, whole processes that time themselves after calls that do not count. A budget is on what a call
takes longer than the same one without a helper.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from packaging.specifiers import SpecifierSet

from benchmarks.ground import HIDING, median, workspace
from benchmarks.rows import Row, at_most, command
from faena.environments import interpreters
from faena.kernel.python36.folder import faena_of

CALLS = """
import json, sys, time
began = time.perf_counter()
from faena import Experiment, Workspace
ws = Workspace(sys.argv[1])
ws.name
first = time.perf_counter() - began
run = Experiment(ws, "bench").start_logging(snapshot_directory=None, outputs=None)
row = list(range(10000))
def log(number):
    run.log("loss", number / 7)
def attribute(number):
    run.id
def asked(number):
    run.get_tags()
def many(number):
    run.get_metrics("row")
run.log_list("row", row)
found = {"first": first}
for call, times in ((log, 2000), (attribute, 2000), (asked, 100), (many, 20)):
    for number in range(times // 10 + 1):
        call(number)
    best = []
    cpu = time.process_time()
    for _ in range(5):
        began = time.perf_counter()
        for number in range(times // 5):
            call(number)
        best.append((time.perf_counter() - began) / (times // 5))
    found[call.__name__] = min(best)
    found[call.__name__ + " cpu"] = (time.process_time() - cpu) / times
run.complete()
print(json.dumps(found))
"""
ROWS = {
    "attribute": "run.id",
    "log": "run.log",
    "asked": "run.get_tags(), which asks the server",
    "many": "run.get_metrics() of 10,000 numbers",
}
BUDGET_MS = 1.0


def measure(quick: bool = False) -> list[Row]:
    old = next(
        found.path
        for version in ("3.6", "3.7", "3.8")
        if (found := interpreters.find(SpecifierSet(f"=={version}.*"))) is not None
    )
    variables = {"PYTHONPATH": str(faena_of(old) / "script/pythonpath"), "FAENA_PYTHON": sys.executable}
    with workspace() as ws:
        sides = {
            "plain": ([sys.executable, "-c", CALLS, str(ws.folder)], {}),
            "proxies": ([old, "-c", CALLS, str(ws.folder)], variables),
        }
        times: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for _ in range(2 if quick else 7):
            for side, (asked, given) in sides.items():
                times[side].append(timed(asked, ws.folder, given))
    rows = []
    for what, name in ROWS.items():
        plain, ours = (1000 * min(found[what] for found in times[side]) for side in sides)
        cpu = 1000 * min(found[f"{what} cpu"] for found in times["proxies"])
        rows.append(
            at_most(
                f"{name}: over the same call without a helper",
                ours - plain,
                BUDGET_MS,
                "ms",
                note=f"{ours:.3f} ms, without {plain:.3f}, the least of all rounds; CPU of the caller {cpu:.3f}",
            )
        )
    plain, ours = (median([found["first"] for found in times[side]]) for side in sides)
    note = f"without a helper {plain:.2f} s; a server runs"
    rows.append(Row("import faena, workspace opened, its name", "", ours, "s", note=note))
    return rows


def timed(asked: list[str], cwd: Path, given: Mapping[str, str]) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    done = subprocess.run(asked, env={**environment, **given}, cwd=cwd, check=True, stdout=subprocess.PIPE)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    command("Proxies", measure)
