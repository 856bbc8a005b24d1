"""What a front keeps of the last minutes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from faena.scoring.desired import Limits, Revision
from faena.scoring.exchange import Answer, Request, Scorer
from faena.scoring.history import KEPT, History, Recent
from faena.scoring.metrics import Metrics
from faena.scoring.status import RevisionStatus, State, WorkerStatus
from tests.scoring.fakes import FakeScorer


class Worked(FakeScorer):
    """With one worker, whose CPU time a test sets."""

    def __init__(self) -> None:
        revision = Revision(id=3, python="/p", app="/a", entry="score.py")
        super().__init__(revision, Limits(), lambda: None)
        self.worker = WorkerStatus(0, "Ready", pid=7, rss_bytes=1000, cpu_seconds=1.0)

    def snapshot(self) -> RevisionStatus:
        return RevisionStatus(State.HEALTHY, None, [self.worker])


class Ground:
    def __init__(self) -> None:
        self.now = 100.0
        self.metrics = Metrics()
        self.scorer = Worked()
        self.history = History(self.metrics, self.scorers, lambda: (4, 0), clock=lambda: self.now)

    def scorers(self) -> Mapping[str, Scorer]:
        return {"3": self.scorer}

    def answer(self, route: str, status: int, seconds: float = 0.003) -> None:
        request = Request("POST", route, b"", [], b"", "id", 50.0)
        request.route = route
        self.metrics.answered(request, Answer(status, b""), 50.0 + seconds)

    def pass_by(self, seconds: float = 2.0) -> None:
        self.now += seconds
        self.history.stand()

    @property
    def recent(self) -> Recent:
        return msgspec.json.decode(self.history.rendered(), type=Recent)


@pytest.fixture
def ground() -> Ground:
    made = Ground()
    made.history.stand()
    return made


def test_who_looks_changes_nothing(ground: Ground) -> None:
    for route in ("/metrics", "/metrics/recent", "/", "/swagger.json", "/v2/health/ready", "/v2/models"):
        ground.answer(route, 200)
    ground.pass_by()
    for route, status in (
        ("/score", 200),
        ("/v2/models/infer", 200),
        ("/invocations", 502),
        ("unknown", 404),
    ):
        ground.answer(route, status)
    ground.metrics.refused(Answer(413, b""))
    ground.pass_by()
    _, looked, asked = ground.recent.standings
    assert (looked.statuses, sum(looked.took)) == ({}, 0)
    assert asked.statuses == {"200": 2, "404": 1, "413": 1, "502": 1}
    assert sum(asked.took) == 4, "of what was refused at once it is not known how long it took"
    assert asked.connections == 4


def test_workers_and_what_they_use(ground: Ground) -> None:
    ground.scorer.worker = msgspec.structs.replace(ground.scorer.worker, cpu_seconds=2.0)
    ground.pass_by()
    [worker] = ground.recent.workers
    assert (worker.revision, worker.number, worker.pid, worker.memory_bytes) == (3, 0, 7, 1000)
    assert worker.cpu == pytest.approx(0.5)
    assert [each.cpu_seconds for each in ground.recent.standings] == [1.0, 2.0]
    ground.scorer.worker = WorkerStatus(0, "Ready", pid=8, cpu_seconds=0.25)
    assert ground.recent.workers[0].cpu is None, "another one has taken its place"
    ground.pass_by()
    assert ground.recent.standings[-1].cpu_seconds == pytest.approx(2.25), (
        "what is gone was used all the same"
    )
    ground.scorer.worker = WorkerStatus(0, "Dead")
    for _ in range(2):
        ground.pass_by()
    assert ground.recent.workers[0].cpu is None, "nobody uses anything"


def test_it_does_not_grow_without_end(ground: Ground) -> None:
    for _ in range(KEPT + 5):
        ground.pass_by()
    found = ground.recent.standings
    assert len(found) == KEPT
    assert found[-1].at == ground.now


def test_a_front_that_takes_over_goes_on_with_it(ground: Ground) -> None:
    ground.answer("/score", 200)
    for _ in range(100):
        ground.pass_by()
    parts = list(ground.history.dump())
    assert len(parts) > 1
    other = Ground()
    other.history.stand()
    other.answer("/score", 200)
    other.metrics.add(ground.metrics.dump())
    other.history.take(parts)
    other.now = ground.now
    other.pass_by()
    found = other.recent.standings
    assert len(found) == 102
    assert [each.statuses.get("200", 0) for each in found[:2] + found[-2:]] == [0, 1, 1, 2], (
        "no jump between the two"
    )
