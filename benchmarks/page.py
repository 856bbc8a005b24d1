"""The page's first view in Chromium, in a workspace of 100,000 runs: `python -m benchmarks.page`.

From the request to DOMContentLoaded, the median of 9 loads of the table of runs and of a run's page, with an empty
cache each; and the server's share of it.
"""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

from benchmarks.ground import workspace
from benchmarks.rows import Row, at_most, command
from faena import Experiment, Workspace
from faena.db import Database
from faena.kernel.discovery import Rendezvous, is_held
from faena.testing.history import fill
from faena.testing.waiting import until

RUNS = 100_000
LOADS = 9
BUDGET_MS = 500
_TIMING = "performance.getEntriesByType('navigation')[0]"


def measure(quick: bool = False) -> list[Row]:
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


def _fill(ws: Workspace, runs: int) -> str:
    run = Experiment(ws, "shown").start_logging(snapshot_directory=None)
    for step in range(1000):
        run.log("loss", 1 / (step + 1), step=step)
    run.complete()
    ws.api.stop()
    until(lambda: not is_held(Rendezvous(ws.files.path).election), "the server has left")
    database = Database(Path(ws.files.database))
    fill(database, runs)
    database.close()
    return run.id


if __name__ == "__main__":
    command("The page", measure)
