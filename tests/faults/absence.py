"""The server stays away while scripts log on, end and are killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.client.runs.run import Run
from faena.kernel.discovery import Rendezvous, try_lock
from faena.testing.kills import processes
from faena.testing.kills.evidence import KNOWN_WITHIN, PATIENCE, Result, after, check_run
from faena.testing.kills.ground import Case
from faena.testing.kills.records import LEAST_POINTS
from faena.testing.kills.table import Row
from faena.testing.waiting import until
from tests.faults.ground import Site

_FATES = ("logs on", "ends", "script killed", "runner killed")
"""What happens to the runs of a round while there is no server, one each."""
_ENDS = {
    "logs on": ("Completed", None),
    "ends": ("Completed", None),
    "script killed": ("Failed", "signal"),
    "runner killed": ("Failed", "node_lost"),
}


def away(
    folder: Path,
    links: Path,
    seconds: float,
    runs: int,
    tell: Callable[[str], None],
    *,
    known_within: float = KNOWN_WITHIN,
) -> Row:
    """Rounds of four runs each, at least `runs` in all, with a server that is missing for `seconds`.

    `known_within`: seconds that a server which is back may take to tell of who died meanwhile.
    """
    row = Row("server", f"away {seconds:g} s")
    site = Site(folder, links=links, nodes=len(_FATES))
    while row.kills < runs:
        for result in _round(site, seconds, known_within):
            row.add(result)
            said = "; ".join(result.wrong) or "fine"
            tell(f"[{row.kills}/{runs}] server away {seconds:g} s, {result.victim}: {said}")
    site.close()
    return row


def _round(site: Site, seconds: float, known_within: float) -> Iterator[Result]:
    cases = {fate: site.case() for fate in _FATES}
    runs = {fate: site.submit(case, model=True) for fate, case in cases.items()}
    until(
        lambda: all(len(case.confirmed().points) > LEAST_POINTS for case in cases.values()),
        "all of them log",
        seconds=PATIENCE,
    )
    with no_server(site.path):
        before = len(cases["logs on"].confirmed().points)
        _happen(cases)
        until(after(seconds), "the absence is over", seconds=seconds + 60)
        logged = len(cases["logs on"].confirmed().points) - before
    site.workspace.api.version()
    back = time.monotonic()
    for fate in ("script killed", "runner killed"):
        _await(runs[fate])
    known = time.monotonic() - back
    for case in cases.values():
        case.release.touch()
    for fate, run in runs.items():
        result = _judge(run, cases[fate], fate)
        if fate.endswith("killed"):
            result.known = known
            if known > known_within:
                result.wrong.append(f"{run.id}: {fate}, known {known:.1f} s after the server was back")
        if fate == "logs on" and seconds > 0 and not logged:
            result.wrong.append(f"{run.id}: the script stood still while the server was away")
        yield result


def _happen(cases: dict[str, Case]) -> None:
    cases["ends"].release.touch()
    script = cases["runner killed"].confirmed().pids[-1]
    runner = processes.runner_of(script)
    killed = [processes.kill(cases["script killed"].confirmed().pids[-1]), runner and processes.kill(runner)]
    assert all(killed), "script and runner were there to be killed"


def _judge(run: Run, case: Case, fate: str) -> Result:
    _await(run)
    view = run.refresh()
    result = Result(fate, None)
    said = (view.status, view.error.reason if view.error else None)
    if said != _ENDS[fate]:
        result.wrong.append(f"{run.id}: {fate}, and it ends as {said}: {view.error and view.error.message}")
    check_run(run, view, case, result)
    return result


def _await(run: Run) -> None:
    until(lambda: run.refresh().ended_at is not None, f"run {run.id} has ended", seconds=PATIENCE)


@contextmanager
def no_server(folder: Path) -> Iterator[None]:
    """Kill the server of the workspace and win every election until the end of the block."""
    election = Rendezvous(folder).election

    def seize() -> int | None:
        server = processes.server_of(folder)
        if server is not None:
            processes.kill(server)
        return try_lock(election)

    held = until(seize, "nobody else is the server")
    assert held is not None
    try:
        yield
    finally:
        os.close(held)
