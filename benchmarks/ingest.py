"""Metric points from spool bytes to acknowledged and queryable, in one run: `python -m benchmarks.ingest`.

Prints points a second through append and commit, bytes a point on disk after sealing, and CPU of a small batch.
Beside it, from `RIVAL_PYTHON`, MLflow's `log_batch` of 1,000 points on SQLite: each side by its own smallest path
inside one process, without HTTP.
"""

from __future__ import annotations

import os
import statistics
import struct
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.ground import HIDING, rival_python
from benchmarks.rows import Row, at_least, at_most
from faena.db import Database, Read, Write
from faena.kernel.clock import SystemClock
from faena.objects.files import FolderObjects
from faena.tracking import service
from faena.tracking.model import Appended, StreamKey

POINTS = 1_000_000
BATCH = 1 << 20
ROUNDS = 3
SMALL_BATCHES = 500
START = 1_790_000_000_000_000
BUDGET_RATE = 500_000
BUDGETS_BYTES = {"noisy float64": 10, "float32 values": 6}

# Runs in the rival's interpreter; the first batch, which does not count, meets a database that was just made.
MLFLOW = """
import statistics, sys, time
from mlflow import MlflowClient
from mlflow.entities import Metric
client = MlflowClient(sys.argv[1])
run = client.create_run(client.create_experiment("ingest")).info.run_id
rates = []
for turn in range(31):
    first = turn * 1000
    metrics = [Metric("loss", place / 7, int(sys.argv[2]) + place, first + place) for place in range(1000)]
    began = time.perf_counter()
    client.log_batch(run, metrics=metrics)
    rates.append(1000 / (time.perf_counter() - began))
print(statistics.median(rates[1:]))
"""

Doubles = npt.NDArray[np.float64]


def frame(kind: int, payload: bytes) -> bytes:
    head = struct.pack("<2sBBI", b"\xfa\xe1", kind, 0, len(payload))
    return head + struct.pack("<I", zlib.crc32(head + payload)) + payload


def name(number: int, text: str) -> bytes:
    return frame(1, struct.pack("<I", number) + text.encode())


def point(at: int, step: int, value: float, number: int) -> bytes:
    return frame(2, struct.pack("<qqdI", at, step, value, number))


def stream(values: Doubles) -> bytes:
    """Two metrics, a point of each about every 10 ms."""
    times = START + np.cumsum(5_000 + np.random.default_rng(1).normal(0, 150, len(values)).astype(np.int64))
    rows = zip(times.tolist(), values.tolist(), strict=True)
    points = (point(at, place // 2, value, place % 2) for place, (at, value) in enumerate(rows))
    return b"".join([name(0, "loss"), name(1, "accuracy"), *points])


def noisy(seed: int, *, single: bool) -> Doubles:
    """A falling curve; other noise for each seed, so that no object is found to be there already."""
    noise = np.random.default_rng(seed).normal(0, 0.1, POINTS)
    values: Doubles = np.exp(-np.arange(POINTS) / 3e5) + noise
    return values.astype(np.float32).astype(np.float64) if single else values


@dataclass(frozen=True, slots=True)
class Large:
    """Medians: points a second, microseconds of CPU a point, bytes a point once sealed. `file_grown`: last round."""

    rate: float
    cost: float
    size: float
    file_grown: float


class Workspace:
    """`place`: of a database of PostgreSQL; default: a file in `folder`."""

    def __init__(self, folder: Path, place: str | None = None) -> None:
        self.folder = folder
        self.database = Database(place or folder / "faena.db")
        self.objects = FolderObjects(folder / "objects")

    def send(self, run_id: str, data: bytes) -> None:
        key, at = StreamKey(run_id, 1, 0, "spool/1-00000000"), 0
        while at < len(data):
            batch = data[at : at + BATCH]
            at = self.database.submit_write(_appending(key, at, batch)).result().offset

    def query(self, run_id: str) -> int:
        def ask(read: Read) -> int:
            return len(service.series(read, self.objects, run_id, "loss").value)

        return self.database.submit_read(ask).result()

    def seal(self, run_id: str) -> None:
        service.seal(self.database, self.objects, run_id, 1, SystemClock())

    def bytes_used(self) -> int:
        """Of objects and of the database, without the pages that its next rows will take."""

        def pages(write: Write) -> int:
            pragma = write.connection.exec_driver_sql
            count, free, size = (
                int(pragma(f"PRAGMA {what}").scalar_one())
                for what in ("page_count", "freelist_count", "page_size")
            )
            return (count - free) * size

        stored = sum(self.objects.size(digest) or 0 for digest in self.objects.list())
        return self.database.submit_write(pages).result() + stored


def _appending(key: StreamKey, at: int, batch: bytes) -> Callable[[Write], Appended]:
    return lambda write: service.append(write, key, at, batch, START)


def large(workspace: Workspace, label: str, *, single: bool, rounds: int = ROUNDS) -> Large:
    rates, costs, grown = [], [], []
    for turn in range(rounds):
        run_id = f"{label}_{turn}"
        data = stream(noisy(turn, single=single))
        before, file_before = workspace.bytes_used(), (workspace.folder / "faena.db").stat().st_size
        begun, cpu = time.perf_counter(), time.process_time()
        workspace.send(run_id, data)
        assert workspace.query(run_id) == POINTS // 2
        rates.append(POINTS / (time.perf_counter() - begun))
        costs.append((time.process_time() - cpu) / POINTS * 1e6)
        workspace.seal(run_id)
        grown.append((workspace.bytes_used() - before) / POINTS)
        file_grown = ((workspace.folder / "faena.db").stat().st_size - file_before) / POINTS
    found = Large(statistics.median(rates), statistics.median(costs), statistics.median(grown), file_grown)
    print(
        f"{label:20} {found.rate:>12,.0f} points/s  {found.cost:6.2f} us CPU a point  "
        f"{found.size:6.2f} B a point sealed  (file of the database, last round: {found.file_grown:+.2f})"
    )
    return found


def small(workspace: Workspace, metrics: int, batches: int = SMALL_BATCHES, label: str = "") -> float:
    """The median of a batch, from asking to its acknowledgement, in milliseconds."""
    key, at = StreamKey(f"small_{metrics}{label}", 1, 0, "spool/1-00000000"), 0
    costs: list[float] = []
    taken: list[float] = []

    def measured(batch: bytes, offset: int) -> Callable[[Write], int]:
        def work(write: Write) -> int:
            begun = time.thread_time()
            reached = service.append(write, key, offset, batch, START).offset
            costs.append((time.thread_time() - begun) * 1e3)
            return reached

        return work

    for turn in range(batches):
        points = (
            point(START + turn * 1_000_000 + place, turn, place / 7, place % metrics) for place in range(10)
        )
        names = [name(number, f"metric {number}") for number in range(metrics)] if turn == 0 else []
        batch = b"".join([*names, *points])
        begun = time.perf_counter()
        at = workspace.database.submit_write(measured(batch, at)).result()
        taken.append((time.perf_counter() - begun) * 1e3)
    costs.sort()
    print(
        f"batch of 10 points, {metrics:>2} metrics: CPU in the transaction "
        f"median {statistics.median(costs):.2f} ms, p95 {costs[int(0.95 * len(costs))]:.2f} ms"
    )
    return statistics.median(taken)


def mlflow_beside(folder: Path) -> float | None:
    """Points a second through MLflow's `log_batch`; None without `RIVAL_PYTHON`."""
    if (rival := rival_python()) is None:
        return None
    environment = {name: value for name, value in os.environ.items() if name not in HIDING}
    command = [rival, "-c", MLFLOW, f"sqlite:///{folder / 'mlflow.db'}", str(START // 1000)]
    done = subprocess.run(
        command, env=environment, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return float(done.stdout)


def measure(quick: bool = False) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name_of_folder:
        workspace = Workspace(Path(name_of_folder))
        mlflow = mlflow_beside(workspace.folder)
        for label, budget in BUDGETS_BYTES.items():
            rounds = 1 if quick else ROUNDS
            found = large(workspace, label, single=label == "float32 values", rounds=rounds)
            rows += [
                at_least(
                    f"metric points, spool to queryable, {label}",
                    found.rate,
                    BUDGET_RATE,
                    "points/s",
                    rival="mlflow log_batch" if mlflow else "mlflow 7,900 (published)",
                    rival_value=mlflow,
                    note=f"{found.cost:.2f} µs CPU a point; batches of 1 MiB, mlflow's of 1,000 points",
                ),
                at_most(f"size on disk, {label}", found.size, budget, "B a point"),
            ]
        workspace.database.close()
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name_of_folder:
        folder = Path(name_of_folder)
        workspace = Workspace(folder)
        large(workspace, "noisy float64", single=False)
        large(workspace, "float32 values", single=True)
        small(workspace, 1)
        small(workspace, 10)
        workspace.database.close()
        rate = mlflow_beside(folder)
        print(
            "mlflow: RIVAL_PYTHON is not set"
            if rate is None
            else f"mlflow log_batch     {rate:>12,.0f} points/s"
        )


if __name__ == "__main__":
    main()
