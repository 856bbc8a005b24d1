"""Very many runs at once, whose scripts do next to nothing: each is run once, to its end, and nobody is killed."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from faena.client.runs.experiment import Experiment
from faena.client.runs.run import Run
from faena.client.submission.estimator import Estimator
from faena.node.processes import read
from faena.testing.kills import processes
from faena.testing.kills.evidence import Result, lines_of, points_of
from faena.testing.kills.ground import Case
from faena.testing.kills.records import Count
from faena.testing.kills.table import Row
from tests.faults.ground import Site

_NODES = 2
_TOLD = 500
_EXPERIMENT = "many"
_SCRIPT = """
import os
from faena import Run

number = os.environ["NUMBER"]
confirm = os.open(os.environ["CONFIRM"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(confirm, f"{number}\\n".encode())
Run.get_context().log("n", int(number))
print(f"{number}.")
"""


def to_their_end(folder: Path, links: Path, count: int, tell: Callable[[str], None]) -> Row:
    """A row without kills: points and lines are those of all `count` runs, one each."""
    site = Site(folder, links=links, nodes=_NODES)
    source = folder / "many"
    source.mkdir()
    (source / "train.py").write_text(_SCRIPT)
    case = Case("many", folder)
    experiment = Experiment(site.workspace, _EXPERIMENT)
    began, cpu = time.monotonic(), _cpu(site)
    runs = [_submit(experiment, source, case, number) for number in range(1, count + 1)]
    submitted = time.monotonic()
    memory = _memory(site)
    for number in [*range(_TOLD, count, _TOLD), *range(count - _NODES + 1, count + 1)]:
        runs[number - 1].wait_for_completion(raise_on_error=False)
        tell(f"[{number}/{count}] runs have ended")
    for listed in site.workspace.api.listed(experiment=_EXPERIMENT):
        if listed.ended_at is None:  # the first ones waited for their environment, and may have been passed
            site.workspace.get_run(listed.id).wait_for_completion(raise_on_error=False)
    ended, cpu = time.monotonic(), _cpu(site) - cpu
    result = Result("nobody", None)
    _check_rows(site, runs, result)
    _check_records(runs, case, result)
    result.left = len(list((site.path / "attempts").glob("*/*/*")))
    tell(
        f"{count} runs on {_NODES} nodes, load {os.getloadavg()[0]:.1f}: "
        f"each {1000 * (submitted - began) / count:.0f} ms to submit, "
        f"{1000 * (ended - began) / count:.0f} ms in all, of the server {1000 * cpu / count:.1f} ms CPU; "
        f"its memory {memory:.0f} MB when all were submitted, {_memory(site):.0f} MB in the end"
    )
    site.close()
    row = Row("nobody", f"{count} runs")
    row.add(result, hit=False)
    return row


def _submit(experiment: Experiment, source: Path, case: Case, number: int) -> Run:
    described = Estimator(
        source,
        entry_script="train.py",
        compute_target="cpu",
        interpreter=sys.executable,
        environment_variables={"NUMBER": str(number), "CONFIRM": str(case.confirm)},
    )
    return experiment.submit(described)


def _check_rows(site: Site, runs: list[Run], result: Result) -> None:
    """What the list of runs says of all of them."""
    rows = list(site.workspace.api.listed(experiment=_EXPERIMENT))
    if sorted(row.id for row in rows) != sorted(run.id for run in runs):
        result.wrong.append(f"{len(runs)} runs were submitted, and {len(rows)} are listed")
    if sorted(row.number for row in rows) != list(range(1, len(runs) + 1)):
        result.wrong.append("their numbers have gaps or come twice")
    for status, number in Counter(row.status for row in rows if row.status != "Completed").items():
        result.wrong.append(f"{number} runs end as {status}")


def _check_records(runs: list[Run], case: Case, result: Result) -> None:
    """What each run holds, against what its script confirmed."""
    confirmed = Counter(int(line) for line in case.confirm.read_text().split())
    for number, run in enumerate(runs, 1):
        if confirmed[number] > 1:
            result.wrong.append(f"{run.id}: the script was started {confirmed[number]} times")
        result.points += _one(number, points_of(run), was_written=bool(confirmed[number]))
        result.lines += _one(number, lines_of(run, case), was_written=bool(confirmed[number]))


def _one(number: int, found: list[int], *, was_written: bool) -> Count:
    times = found.count(number)
    return Count(
        written=int(was_written),
        found=len(found),
        doubled=max(0, times - 1),
        lost=int(was_written and not times),
        invented=len(found) - times,
    )


def _cpu(site: Site) -> float:
    """Seconds that the server has had."""
    server = processes.server_of(site.path)
    found = None if server is None else read(server)
    return 0.0 if found is None else found.cpu_ticks / os.sysconf("SC_CLK_TCK")


def _memory(site: Site) -> float:
    """Of the server, in MB: shared pages are divided by the processes that have them."""
    server = processes.server_of(site.path)
    rollup = Path(f"/proc/{server}/smaps_rollup").read_text()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in rollup.splitlines() if line.startswith("Pss:"))
