"""The page's first view in Chromium, in a workspace of 100,000 runs: `python -m benchmarks.page`.

From the request to DOMContentLoaded, the median of 9 loads of the table of runs and of a run's page, with an empty
cache each; and the server's share of it. Then the server's answers for a sweep of 10,000 trials, alone in its
workspace.
"""

from __future__ import annotations

import shutil
import statistics
import time
from pathlib import Path

from benchmarks.cost import cpu_seconds
from benchmarks.ground import processes, workspace
from benchmarks.rows import Row, at_most, command
from faena import Experiment, Workspace
from faena.db import Database
from faena.kernel.discovery import Rendezvous, is_held
from faena.testing.history import fill
from faena.testing.sweep_history import fill_sweep
from faena.testing.waiting import until

RUNS = 100_000
TRIALS = 10_000
LOADS = 9
BUDGET_MS = 500
SWEEP_BUDGET_MS = 100
SERVER_BUDGET_MB = 250
_SWEEP = "HD_1f2e3d4c"
_TIMING = "performance.getEntriesByType('navigation')[0]"


def measure(quick: bool = False) -> list[Row]:
    return [*_first_views(quick), *_sweep(quick)]


def _first_views(quick: bool) -> list[Row]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("This needs Chromium: apt install chromium")
    with workspace() as ws, sync_playwright() as playwright:
        run_id = _fill(ws, 1_000 if quick else RUNS)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        rows = []
        for name, path in (("table of runs", "/ui/runs"), ("a run", f"/ui/runs/{run_id}")):
            shown, served = [], []
            for _ in range(LOADS):
                context = browser.new_context()
                page = context.new_page()
                url = ws.api.gateway.open(None).url
                page.goto(url)
                page.goto(url.partition("/sign-in")[0] + path)
                shown.append(page.evaluate(f"{_TIMING}.domContentLoadedEventEnd"))
                served.append(page.evaluate(f"{_TIMING}.responseEnd - {_TIMING}.requestStart"))
                context.close()
            note = f"of it the server {statistics.median(served):.0f} ms"
            rows.append(at_most(f"first view: {name}", statistics.median(shown), BUDGET_MS, "ms", note=note))
        browser.close()
    return rows


def _sweep(quick: bool) -> list[Row]:
    """Over the server's socket: of each answer the median, and what it cost the server's processor."""
    with workspace() as ws:
        _leave(ws)
        database = Database(Path(ws.files.database))
        fill_sweep(database, _SWEEP, 500 if quick else TRIALS)
        database.close()
        rows = []
        for name, path in (
            ("table of runs", "/ui/runs"),
            ("page", f"/ui/runs/{_SWEEP}"),
            ("page, the best first", f"/ui/runs/{_SWEEP}?sort=best"),
            ("what changes while it goes on", f"/ui/runs/{_SWEEP}/sweep/parts"),
            ("trials of its charts", f"/ui/runs/{_SWEEP}/sweep/data"),
            ("60 curves", f"/ui/runs/{_SWEEP}/sweep/curves"),
        ):
            wall, cpu = _answers(ws, path)
            note = f"of it the server's CPU {cpu:.0f} ms"
            rows.append(at_most(f"a sweep of 10,000: {name}", wall, SWEEP_BUDGET_MS, "ms", note=note))
        [server] = processes(ws, "faena.server")
        rows.append(
            at_most(
                "a sweep of 10,000: server's memory", _peak_mb(server), SERVER_BUDGET_MB, "MB", note="peak"
            )
        )
    return rows


def _answers(ws: Workspace, path: str) -> tuple[float, float]:
    """Milliseconds of an answer, and of the server's processor."""
    ws.api.transport.request("GET", path)  # the server is there, its templates are read
    [server] = processes(ws, "faena.server")
    walls, used = [], cpu_seconds(server)
    for _ in range(LOADS):
        began = time.perf_counter()
        ws.api.transport.request("GET", path)
        walls.append(time.perf_counter() - began)
    return statistics.median(walls) * 1000, (cpu_seconds(server) - used) / LOADS * 1000


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kilobytes) / 1024


def _leave(ws: Workspace) -> None:
    """The database has one writer."""
    ws.api.stop()
    until(lambda: not is_held(Rendezvous(ws.files.path).election), "the server has left")


def _fill(ws: Workspace, runs: int) -> str:
    run = Experiment(ws, "shown").start_logging(snapshot_directory=None)
    for step in range(1000):
        run.log("loss", 1 / (step + 1), step=step)
    run.complete()
    _leave(ws)
    database = Database(Path(ws.files.database))
    fill(database, runs)
    database.close()
    return run.id


if __name__ == "__main__":
    command("The page", measure)
