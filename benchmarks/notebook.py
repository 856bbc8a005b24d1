"""From `run.log` to a notebook's output, and what a view costs its kernel: `python -m benchmarks.notebook [--quick]`.

A run on a node logs two metrics and prints, twice a second on average; a kernel shows it. What the kernel publishes is
taken here, on the same clock, as a page would: HTML of the still form, increments of the live one.
"""

from __future__ import annotations

import os
import re
import statistics
import threading
import time
from queue import Empty
from typing import Any

from benchmarks.cost import cpu_seconds
from benchmarks.ground import submit, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Workspace

SCRIPT = """
import random, time
from faena import Run
run = Run.get_context()
random.seed(1)
end = time.time() + {seconds}
while time.time() < end:
    run.log("age", time.time() % 10000)
    run.log("loss", random.random())
    print("a line of the log", time.time())
    time.sleep(random.random())
"""
OPENED = "import time\nfrom faena import *\nws = Workspace({folder!r})\nrun = ws.get_run({run!r})"
WAITING = "time.sleep({seconds})"
BUSY = "end = time.time() + {seconds}\nwhile time.time() < end: sum(range(1000))"
BUDGET_MS = 1_000
BUDGET_SHARE = 1.0
"""Percent of a core."""
_LAST = re.compile(r"age ([\d,.]+)")


def measure(quick: bool = False) -> list[Row]:
    seconds = 10 if quick else 40
    rows = []
    with workspace() as ws:
        Cluster.create(ws, "cpu", max_nodes=1)
        idle = _shown(ws, seconds, "pass", WAITING, as_page=False)[1]
        for name, live, cell in (
            ("still", False, WAITING),
            ("live", True, WAITING),
            ("live, while a cell computes", True, BUSY),
        ):
            ages, share = _shown(ws, seconds, f"show(run, live={live})", cell, as_page=live)
            p95 = statistics.quantiles(ages, n=20)[-1]
            note = f"median {statistics.median(ages) * 1000:.0f} ms, {len(ages)} points"
            rows.append(at_most(f"logged → shown, {name}: p95", 1000 * p95, BUDGET_MS, "ms", note=note))
            if cell == WAITING:
                note = f"of a core; a kernel that shows nothing: {idle:.2f} %"
                rows.append(at_most(f"a kernel that shows, {name}", share, BUDGET_SHARE, "%", note=note))
    return rows


def _shown(ws: Workspace, seconds: int, show: str, cell: str, *, as_page: bool) -> tuple[list[float], float]:
    """Ages of points when they were shown, and percent of a core that the kernel used meanwhile."""
    from jupyter_client.manager import KernelManager

    run = submit(ws, ws.compute_targets["cpu"], SCRIPT.format(seconds=seconds + 2))
    manager = KernelManager()
    manager.start_kernel(env={**os.environ, "JPY_SESSION_NAME": "bench.ipynb"})
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    seen: list[tuple[float, float]] = []
    stopped = threading.Event()
    reader = threading.Thread(target=_read, args=(client, seen, stopped, as_page))
    reader.start()
    try:
        client.execute(OPENED.format(folder=str(ws.folder), run=run.id), reply=True, timeout=60)
        while not run.get_metrics("age"):
            time.sleep(0.05)
        client.execute(show, reply=True, timeout=60)
        time.sleep(1.0)
        pid = manager.provisioner.pid  # type: ignore[union-attr]  # of a kernel that runs here
        began, used = time.perf_counter(), cpu_seconds(pid)
        client.execute(cell.format(seconds=seconds - 3), reply=True, timeout=seconds + 60)
        share = 100 * (cpu_seconds(pid) - used) / (time.perf_counter() - began)
    finally:
        stopped.set()
        reader.join()
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    run.wait_for_completion()
    logged = run.get_metrics("age")["age"]
    first, last = (seen[0][1], seen[-1][1]) if seen else (0.0, 0.0)
    ages = [
        next(at for at, value in seen if value >= each - 0.02) - each
        for each in logged
        if first < each <= last - 0.02
    ]
    return ages, share


def _read(client: Any, seen: list[tuple[float, float]], stopped: threading.Event, as_page: bool) -> None:
    """Times, modulo 10,000 s, and the newest value that was shown then."""
    while not stopped.is_set():
        try:
            message = client.get_iopub_msg(timeout=0.2)
        except Empty:
            continue
        now, content = time.time() % 10000, message["content"]
        if message["msg_type"] == "comm_open" and as_page:
            _say_here(client, content["comm_id"])
        found = _newest(message["msg_type"], content, as_page)
        if found is not None and (not seen or found > seen[-1][1]):
            seen.append((now, found))


def _say_here(client: Any, comm: str) -> None:
    """As the script of a page does that shows widgets."""
    for said in ("here", "shown"):
        content = {"comm_id": comm, "data": {"method": "custom", "content": {"said": said, "page": "bench"}}}
        client.shell_channel.send(client.session.msg("comm_msg", content))


def _newest(kind: str, content: dict[str, Any], live: bool) -> float | None:
    if kind == "comm_msg" and live:
        changes = content["data"].get("content", {}).get("changes", ())
        charts = [chart for change in changes for chart in change.get("charts", ())]
        return next((float(each["last"].replace(",", "")) for each in charts if each["at"] == 0), None)
    if kind == "update_display_data" and not live:
        found = _LAST.search(content["data"]["text/plain"])
        return float(found[1].rstrip(".").replace(",", "")) if found else None
    return None


if __name__ == "__main__":
    command("Notebook", measure)
