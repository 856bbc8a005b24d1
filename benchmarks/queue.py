"""What runs that wait cost the server: for nodes, at 10, 1,000 and 3,000 queued; for one build; 200 placed at once.

    python -m benchmarks.queue [--quick]

CPU of the writing thread, inside one transaction each, on a database of its own without a server: what the engine does
when a node comes free, in a step that places one run and in the next, which finds nothing. Submissions have the 2 KB of
variables and tags that real ones have.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import msgspec

from benchmarks.rows import Row, at_most, command
from faena.compute import store as compute
from faena.compute.model import Cluster, Node, NodeState
from faena.db import Database, Write
from faena.kernel.clock import Clock
from faena.kernel.notifications import Notifications
from faena.runs import service
from faena.runs.engine import prepare
from faena.runs.engine.scheduling import Placement
from faena.runs.model import SCRIPT_RUN, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.server import app as _app  # noqa: F401  the tables of every feature are part of the schema
from faena.testing.clock import ManualClock
from faena.workspaces import store as workspaces

DEPTHS = (10, 1_000, 3_000)
EXPERIMENTS = ("mnist", "cifar", "wine", "speech")
NODES = 1_000
AT_ONCE = 200
WAITING = 1_000
_SUBMISSION = Submission(
    experiment="e",
    snapshot="0" * 64,
    script="train.py",
    cluster="cpu",
    arguments=tuple(f"--parameter-{number}={number}" for number in range(20)),
    inherited_variables={f"VARIABLE_{number}": "x" * 40 for number in range(20)},
)


def measure(quick: bool = False) -> list[Row]:
    rounds = 5 if quick else 30
    depths = DEPTHS[:2] if quick else DEPTHS
    steps = {depth: _steps(depth, rounds) for depth in depths}
    base = steps[depths[0]]
    rows = []
    for depth in depths:
        for name, value, first in zip(("places one", "finds nothing"), steps[depth], base, strict=True):
            shown = f"{depth:,} queued, a step that {name}"
            if depth == depths[0]:
                rows.append(Row(shown, "", value, "ms"))
                continue
            beside = {"rival": f"{depths[0]} queued", "rival_value": first}
            rows.append(at_most(shown, value, round(1.5 * first + 0.5, 1), "ms", **beside))  # type: ignore[arg-type]  # by name
    rows.append(at_most(f"{AT_ONCE} runs placed on {NODES:,} nodes", _at_once(2 if quick else 5), 100, "ms"))
    return [*rows, _waiting_for_a_build(2.0 if quick else 6.0)]


def _steps(depth: int, rounds: int) -> tuple[float, float]:
    """Milliseconds of a step that places one run of `depth`, and of the next one; medians."""
    with _database() as database:
        clock = ManualClock()
        _fill(database, depth + rounds, clock, nodes=2)
        placement = Placement(clock)
        placing, idling = [], []
        for number in range(rounds):
            database.submit_write(partial(_free, number=number, clock=clock)).result()
            placing.append(database.submit_write(partial(_timed, partial(_step, placement))).result())
            idling.append(database.submit_write(partial(_timed, partial(_step, placement))).result())
        return statistics.median(placing), statistics.median(idling)


def _at_once(rounds: int) -> float:
    found = []
    for _ in range(rounds):
        with _database() as database:
            clock = ManualClock()
            _fill(database, AT_ONCE, clock, nodes=NODES, idle=AT_ONCE)
            found.append(database.submit_write(partial(_timed, partial(_step, Placement(clock)))).result())
    return statistics.median(found)


def _step(placement: Placement, write: Write) -> None:
    placement.step(write)


def _timed(work: Callable[[Write], None], write: Write) -> float:
    began = time.thread_time()
    work(write)
    return 1000 * (time.thread_time() - began)


def _free(write: Write, number: int, clock: ManualClock) -> None:
    """One of the two nodes comes free, as when its run ends."""
    clock.advance(1)
    compute.set_state(write, f"node-{number % 2:04d}", NodeState.IDLE, clock.now())


def _fill(database: Database, depth: int, clock: ManualClock, *, nodes: int, idle: int = 0) -> None:
    """So many runs queue for a cluster of so many nodes, all busy but `idle`."""

    def fill(write: Write) -> None:
        now = clock.now()
        compute.put_cluster(write, Cluster("cpu", 0, nodes, 600.0, 1, now, now))
        for name in EXPERIMENTS:
            workspaces.create_experiment(write, name, now)
        for number in range(nodes):
            compute.add_node(write, Node(f"node-{number:04d}", "cpu", NodeState.PREPARING, None, now))
            compute.set_state(write, f"node-{number:04d}", NodeState.IDLE, now)
            if number >= idle:
                held = Node(f"node-{number:04d}", "cpu", NodeState.RUNNING, None, now, f"before-{number}", 1)
                compute.assign_all(write, [held], now)
        for number in range(depth):
            service.add(write, _queued(number, now + number), {}, {})

    database.submit_write(fill).result()


def _queued(number: int, at: int) -> Run:
    experiment = EXPERIMENTS[number % len(EXPERIMENTS)]
    return Run(
        id=f"{experiment}_{number:07d}",
        experiment=experiment,
        number=number + 1,
        status=RunStatus.QUEUED,
        version=1,
        user="ann",
        cluster="cpu",
        node_count=1,
        snapshot="0" * 64,
        submission=msgspec.json.encode(msgspec.structs.replace(_SUBMISSION, experiment=experiment)),
        created_at=at,
        queued_at=at,
        parent=None,
        type=SCRIPT_RUN,
    )


class _LongBuild:
    """In the place of a builder process: it goes on, and its log grows by a line each time that it is looked at."""

    def __init__(self, spec: object, folder: Path, **_: object) -> None:
        self.log = folder / "build.log"

    async def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")

    async def wait(self, timeout: float) -> bool:
        await asyncio.sleep(timeout)
        with self.log.open("a") as file:
            file.write("Building wheel for thing (pyproject.toml): still running...\n")
        return False

    def result(self) -> None:
        return None


class _RealClock:
    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def _waiting_for_a_build(seconds: float) -> Row:
    """CPU of this whole process while a build lasts, in ms a second, with 1,000 runs that wait for it and with one."""
    many, one = (_building(count, seconds) for count in (WAITING, 1))
    return at_most(
        f"{WAITING:,} runs wait for one build, each second",
        many,
        round(1.5 * one + 5, 1),
        "ms",
        rival="one run",
        rival_value=one,
    )


def _building(count: int, seconds: float) -> float:
    with (
        mock.patch.object(prepare, "Build", _LongBuild),
        _database() as database,
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
    ):
        return asyncio.run(_cpu_of_building(database, Path(folder), count, seconds))


async def _cpu_of_building(database: Database, folder: Path, count: int, seconds: float) -> float:
    clock: Clock = _RealClock()

    def fill(write: Write) -> None:
        now = clock.now()
        compute.put_cluster(write, Cluster("cpu", 0, 2, 600.0, 1, now, now))
        for name in EXPERIMENTS:
            workspaces.create_experiment(write, name, now)
        for number in range(count):
            run = msgspec.structs.replace(_queued(number, now), status=RunStatus.NOT_STARTED, queued_at=None)
            service.add(write, msgspec.structs.replace(run, submission=_of_an_environment(run)), {}, {})

    await database.write(fill)
    preparation = prepare.Preparation(database, Notifications(), folder, clock)
    await preparation.step()
    await asyncio.sleep(2.0)  # the first looks tell each run that its environment is being made
    began, at = time.process_time(), time.monotonic()
    while time.monotonic() < at + seconds:
        await asyncio.sleep(1.0)
        await preparation.step()
    spent = 1000 * (time.process_time() - began) / (time.monotonic() - at)
    for task in preparation._builds.values():
        task.cancel()
    return spent


def _of_an_environment(run: Run) -> bytes:
    submission = msgspec.json.decode(run.submission, type=Submission)
    wanted = msgspec.structs.replace(submission.environment, packages=("thing==1.0",))
    return msgspec.json.encode(msgspec.structs.replace(submission, environment=wanted))


@contextmanager
def _database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        database = Database(Path(folder, "faena.db"))
        try:
            yield database
        finally:
            database.close()


if __name__ == "__main__":
    command("Runs that wait", measure)
