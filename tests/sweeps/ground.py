"""A database with a sweep whose trials run as a test says, without a node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from faena.compute import store as compute
from faena.compute.model import Cluster
from faena.data import store as snapshots
from faena.data.schemas import Snapshot, SnapshotFile
from faena.db import Database, Read, Write
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import digests
from faena.runs import attempt_store, transitions
from faena.runs import service as runs
from faena.runs.model import EndReason, Outcome, RunStatus
from faena.runs.submission_schemas import Submission
from faena.sweeps import judging as _judging  # noqa: F401  adds what it does with points to a list
from faena.sweeps import service, store, views
from faena.sweeps.checks import check
from faena.sweeps.model import Sweep
from faena.sweeps.schemas import Objective, Policy, Sampling, SweepRequest, SweepSpec, TrialView
from faena.testing.clock import ManualClock
from faena.tracking import ingest
from faena.tracking.model import StreamKey
from tests.tracking.frames import NONE, name, number

T = TypeVar("T")
SWEEP = "HD_1"
READY = ("0" * 64, "/usr/bin/python3")
"""The environment of the trials is there."""


class Ground:
    def __init__(self, database: Database, max_nodes: int = 4) -> None:
        self.database = database
        self.clock = ManualClock()
        self._written: dict[str, int] = {}
        self._metrics: dict[str, int] = {}
        file = SnapshotFile("train.py", 0, digests.of_bytes(b""))
        self._snapshot = Snapshot((file,), "5" * 64)

        def prepare(write: Write) -> None:
            now = self.clock.now()
            compute.put_cluster(write, Cluster("cpu", 0, max_nodes, 120.0, 1, now, now))
            snapshots.put(write, self._snapshot, set(), now)

        self.write(prepare)

    def write(self, work: Callable[[Write], T]) -> T:
        return self.database.submit_write(work).result()

    def read(self, work: Callable[[Read], T]) -> T:
        return self.database.submit_read(work).result()

    def submission(self, experiment: str = "exp", node_count: int = 1) -> Submission:
        return Submission(
            experiment=experiment,
            snapshot=self._snapshot.digest,
            script="train.py",
            cluster="cpu",
            node_count=node_count,
            environment=EnvironmentRequest(interpreter=READY[1]),
        )

    def begin(
        self,
        sweep_id: str = SWEEP,
        experiment: str = "exp",
        node_count: int = 1,
        ready: tuple[str, str] | None = READY,
        **spec: Any,
    ) -> str:
        asked = SweepRequest(
            SweepSpec(
                **{
                    "space": {"--lr": ["uniform", [0, 1]]},
                    "sampling": Sampling("random", 1),
                    "objectives": (Objective("Accuracy", "maximize"),),
                    "policy": Policy(),
                    "max_total_runs": 4,
                    "max_concurrent_runs": 2,
                    **spec,
                }
            ),
            self.submission(experiment, node_count),
        )
        space = check(asked.spec)
        self.write(lambda write: service.begin(write, sweep_id, asked, space, self.clock.now(), ready))
        return sweep_id

    def sweep(self, sweep_id: str = SWEEP) -> Sweep:
        found = self.read(lambda read: store.get(read, sweep_id))
        assert found is not None
        return found

    def trials(self, sweep_id: str = SWEEP) -> list[TrialView]:
        return self.read(lambda read: views.trials(read, sweep_id, 0, 1000, best_first=False))

    def status(self, run_id: str = SWEEP) -> str:
        return self.read(lambda read: runs.get(read, run_id)).shown_status

    def open(self) -> list[str]:
        """Runs of trials that have not ended, oldest first."""
        return [str(trial.run_id) for trial in self.trials() if trial.state == "open"]

    def start(self, run_id: str) -> None:
        """Its script runs, on its first attempt."""

        def begin(write: Write) -> None:
            run = runs.get(write, run_id)
            if run.status is RunStatus.QUEUED:
                transitions.move(write, run, RunStatus.STARTING, self.clock.now(), attempt=1)
                attempt_store.add_attempt(write, run_id, 1, 0, f"node-{run_id}")
                transitions.move(write, runs.get(write, run_id), RunStatus.RUNNING, self.clock.now())

        self.write(begin)

    def log(
        self,
        run_id: str,
        values: Sequence[float],
        metric: str = "Accuracy",
        steps: Sequence[int | None] | None = None,
    ) -> bool:
        """The script logs values, perhaps with steps, which come in one batch; whether it is told to stop."""
        self.start(run_id)
        offset = self._written.get(run_id, 0)
        which = self._metrics.setdefault(metric, len(self._metrics))
        at = [NONE if step is None else step for step in steps or [None] * len(values)]
        data = name(which, metric) + b"".join(
            number(value, which, step=step) for value, step in zip(values, at, strict=True)
        )
        self._written[run_id] = offset + len(data)
        key = StreamKey(run_id, 1, 0, "spool/7-0a1b2c3d")

        def bring(write: Write) -> tuple[int, bool]:
            left = data[reached - offset :]
            here = ingest.append(write, key, reached, left, self.clock.now()).offset
            return here, runs.get(write, run_id).cancel_requested_at is not None

        reached, is_stopped = offset, False
        while reached < offset + len(data):
            reached, is_stopped = self.write(bring)
        return is_stopped

    def end(self, run_id: str, reason: EndReason = EndReason.COMPLETED, message: str = "") -> None:
        self.start(run_id)
        self.clock.advance(1.0)
        outcome = Outcome(reason, message)
        self.write(
            lambda write: transitions.end(
                write, runs.get(write, run_id), outcome, self.clock.now(), [message] if message else []
            )
        )
