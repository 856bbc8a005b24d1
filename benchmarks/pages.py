"""Pages that one works in, in Chromium: `python -m benchmarks.pages`.

100 runs of 50 metrics each: the table with a column for each metric, from the request to DOMContentLoaded, and the
comparison, until its first chart is drawn. 100 curves of 10,000 points on one chart: from the choice of another axis,
for which the server is asked for all of them, until they are drawn; zoomed by the keyboard, until the finer curves
are drawn. A run of 10,000 metrics: until its first charts are drawn, until a search by name has drawn what it found,
and the frame that takes longest while all of them are scrolled past. Medians of 9, each load with a cache that has
what the page after a sign-in needs. Beside the table and the comparison MLflow's of as many runs and metrics, from
`RIVAL_PYTHON`.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from benchmarks import pages_rival
from benchmarks.cost import cpu_seconds
from benchmarks.ground import processes, workspace
from benchmarks.rows import Row, at_most, command
from faena import Workspace
from faena.db import Database
from faena.kernel.discovery import Rendezvous, is_held
from faena.testing.metric_history import fill_metrics
from faena.testing.waiting import until

RUNS, METRICS, POINTS, NAMES = 100, 50, 10_000, 10_000
LOADS = 9
OPEN_MS, DRAW_MS, ZOOM_MS = 300, 300, 150
FRAME_MS = 100
_TIMING = "performance.getEntriesByType('navigation')[0]"
_DRAWN = """(count) => new Promise((done) => {
  const look = () => document.querySelectorAll("figure[data-drawn]").length >= count
    ? requestAnimationFrame(() => done(performance.now())) : requestAnimationFrame(look);
  look();
})"""
_ALONG_STEPS = """() => new Promise((done) => {
  const axis = document.querySelector("form.chart-bar [name=axis]"), began = performance.now();
  new MutationObserver((_, watch) => {
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - began));
  }).observe(document.querySelector("figure[data-drawn]"), { attributeFilter: ["data-drawn"] });
  axis.value = "step";
  axis.dispatchEvent(new Event("input", { bubbles: true }));
})"""
_ZOOM = """() => new Promise((done) => {
  const figure = document.querySelector("figure[data-drawn]"), began = performance.now();
  new MutationObserver((_, watch) => {
    watch.disconnect();
    requestAnimationFrame(() => done(performance.now() - began));
  }).observe(figure, { attributeFilter: ["data-drawn"] });
  figure.focus();
  figure.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
})"""
_SEARCH = """(text) => new Promise((done) => {
  const field = document.querySelector("form.chart-bar [name=metrics]"), began = performance.now();
  const found = () => document.querySelector(`figure[data-curve="${text}"][data-drawn]`);
  const tell = () => done(performance.now() - began);
  const look = () => requestAnimationFrame(found() ? tell : look);
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  look();
})"""
_SCROLL = """() => new Promise((done) => {
  let last = performance.now(), longest = 0, place = 0;
  const height = document.documentElement.scrollHeight, step = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    scrollTo(0, place += height / 120);
    if (place < height) requestAnimationFrame(step); else done(longest);
  };
  requestAnimationFrame(step);
})"""


def measure(quick: bool = False) -> list[Row]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("This needs Chromium: apt install chromium")
    loads = 3 if quick else LOADS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        rows = [
            *_many_runs(browser, loads),
            *_long_curves(browser, loads),
            *_many_names(browser, loads, quick),
        ]
        rival = pages_rival.opened(browser, RUNS, METRICS)
        browser.close()
    for place, what in enumerate(("table", "comparison") if rival else ()):
        row = rows[place]
        name = f"mlflow's {what}"
        rows[place] = at_most(
            row.name, row.value, OPEN_MS, "ms", rival=name, rival_value=rival[what], note=row.note
        )
    return rows


Load = Callable[[Any, str], dict[str, float]]


def _loads(browser: Any, ws: Workspace, path: str, loads: int, look: Load) -> dict[str, float]:
    """Medians of what `look` finds on so many fresh pages."""
    found: dict[str, list[float]] = {}
    for _ in range(loads):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        url = ws.api.gateway.open(None).url
        page.goto(url)
        for name, value in look(page, url.partition("/sign-in")[0] + path).items():
            found.setdefault(name, []).append(value)
        context.close()
    return {name: statistics.median(values) for name, values in found.items()}


def _many_runs(browser: Any, loads: int) -> list[Row]:
    names = [f"m{place:02d}" for place in range(METRICS)]
    with _filled(lambda database: fill_metrics(database, RUNS, names, 200)) as (ws, ids):
        columns = quote(", ".join(f"metrics.{name}" for name in names))
        table = _loads(browser, ws, f"/ui/runs?rows={RUNS}&columns={columns}", loads, _opened)
        compared = _loads(browser, ws, _compared(ids), loads, _first_chart)
    what = f"{RUNS} runs of {METRICS} metrics"
    return [
        at_most(f"{what}: table opens", table["open"], OPEN_MS, "ms", note=_server(table)),
        at_most(f"{what}: comparison opens", compared["drawn"], OPEN_MS, "ms", note=_server(compared)),
    ]


def _long_curves(browser: Any, loads: int) -> list[Row]:
    with _filled(lambda database: fill_metrics(database, RUNS, ["loss"], POINTS)) as (ws, ids):
        found = _loads(browser, ws, _compared(ids), loads, _drawn_and_zoomed)
        asked = f"/ui/curves?{urlencode([('run', each) for each in ids])}&name=loss&buckets=440"
        whole, part = (
            _cpu(ws, asked + more, loads) for more in ("", f"&from={POINTS / 4}&to={POINTS * 3 / 4}")
        )
    what, said = f"{RUNS} curves of {POINTS:,} points", "of it the server's CPU {:.0f} ms"
    return [
        at_most(
            f"{what}: drawn",
            found["drawn"],
            DRAW_MS,
            "ms",
            note=f"{said.format(whole)}; with the page around them {found['opened']:.0f} ms",
        ),
        at_most(f"{what}: zoomed", found["zoomed"], ZOOM_MS, "ms", note=said.format(part)),
    ]


def _cpu(ws: Workspace, path: str, loads: int) -> float:
    """Milliseconds of the server's processor for an answer."""
    ws.api.transport.request("GET", path)
    [server] = processes(ws, "faena.server")
    used = cpu_seconds(server)
    for _ in range(loads):
        ws.api.transport.request("GET", path)
    return (cpu_seconds(server) - used) / loads * 1000


def _many_names(browser: Any, loads: int, quick: bool) -> list[Row]:
    count = 1_000 if quick else NAMES
    names = [f"layer{place % 100:02d}/weight{place:05d}" for place in range(count)]
    with _filled(lambda database: fill_metrics(database, 1, names, 5)) as (ws, ids):

        def look(page: Any, address: str) -> dict[str, float]:
            found = _first_chart(page, address)
            return found | {"search": page.evaluate(_SEARCH, names[-1]), "scroll": _scrolled(page)}

        found = _loads(browser, ws, f"/ui/runs/{ids[0]}", loads, look)
    what = f"a run of {count:,} metrics"
    return [
        at_most(f"{what}: first charts", found["drawn"], OPEN_MS, "ms", note=_server(found)),
        at_most(f"{what}: one is found by its name", found["search"], OPEN_MS, "ms"),
        at_most(f"{what}: longest frame while scrolled", found["scroll"], FRAME_MS, "ms"),
    ]


def _scrolled(page: Any) -> float:
    page.fill("form.chart-bar [name=metrics]", "")
    return float(page.evaluate(_SCROLL))


def _compared(ids: list[str]) -> str:
    return f"/ui/compare?{urlencode([('run', each) for each in ids])}"


def _server(found: dict[str, float]) -> str:
    return f"of it the server's page {found['server']:.0f} ms"


def _opened(page: Any, address: str) -> dict[str, float]:
    page.goto(address)
    return {
        "open": page.evaluate(f"{_TIMING}.domContentLoadedEventEnd"),
        "server": page.evaluate(f"{_TIMING}.responseEnd - {_TIMING}.requestStart"),
    }


def _first_chart(page: Any, address: str) -> dict[str, float]:
    page.goto(address, wait_until="commit")
    drawn = page.evaluate(_DRAWN, 1)
    return {"drawn": drawn, "server": page.evaluate(f"{_TIMING}.responseEnd - {_TIMING}.requestStart")}


def _drawn_and_zoomed(page: Any, address: str) -> dict[str, float]:
    opened = _first_chart(page, f"{address}&axis=relative")["drawn"]
    page.wait_for_load_state("networkidle")
    return {"opened": opened, "drawn": page.evaluate(_ALONG_STEPS), "zoomed": page.evaluate(_ZOOM)}


@contextmanager
def _filled(fill: Callable[[Database], list[str]]) -> Iterator[tuple[Workspace, list[str]]]:
    with workspace() as ws:
        ws.api.stop()
        until(lambda: not is_held(Rendezvous(ws.files.path).election), "the server has left")
        database = Database(Path(ws.files.database))
        ids = fill(database)
        database.close()
        yield ws, ids


if __name__ == "__main__":
    command("Pages that one works in", measure)
