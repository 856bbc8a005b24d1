"""When the runs of a queue may start, as far as that can be said."""

from __future__ import annotations

from contextvars import copy_context
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from faena.compute.waiting import Gpu
from faena.db import Write
from faena.db.hiding import ASKER, EVERYTHING, Asker, View
from faena.kernel.errors import NotFound
from faena.runs import service, store
from faena.runs.model import RunStatus
from faena.runs.quotas import service as quotas
from faena.runs.quotas.schemas import QuotaChange
from faena.runs.waiting_line import service as waiting_line
from faena.runs.waiting_line.schemas import Queue
from faena.workspaces import store as workspaces
from tests.databases import Databases
from tests.runs.test_queue import Ground, a_run


@pytest.fixture
def ground(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    made = Ground(databases.open(tmp_path / "faena.db"))
    monkeypatch.setattr("faena.compute.gpus.known", lambda: made.gpus)
    return made


def history(ground: Ground, experiment: str, *seconds: int, going_on_for: int | None = None) -> None:
    """Runs of these lengths have completed; one goes on."""
    now = ground.clock.now()

    def add(write: Write) -> None:
        workspaces.create_experiment(write, experiment, 0)
        for number, each in enumerate(seconds):
            run = a_run(f"was-{experiment}-{number}", experiment, number, "cpu", Gpu.NONE, 1)
            begun = replace(run, status=RunStatus.COMPLETED, started_at=number)
            service.add(write, replace(begun, ended_at=number + each * 1_000_000), {}, {})
        if going_on_for is not None:
            run = a_run(f"is-{experiment}", experiment, 0, "cpu", Gpu.NONE, 1)
            started = now - going_on_for * 1_000_000
            service.add(write, replace(run, status=RunStatus.RUNNING, started_at=started), {}, {})

    ground.write(add)


def queue(ground: Ground, hidden: View = EVERYTHING) -> list[float | None]:
    """In how many seconds each may start, as somebody sees it to whom these experiments are hidden."""
    now = ground.clock.now()

    def read() -> Queue:
        ASKER.set(Asker("bob", lambda read: hidden))
        return ground.database.submit_read(lambda read: waiting_line.queue(read, "cpu", now, 10)).result()

    found = copy_context().run(read)
    assert [run.place for run in found.runs] == list(range(1, found.length + 1))
    return [None if run.may_start_at is None else (run.may_start_at - now) / 1e6 for run in found.runs]


def test_it_is_told_by_how_long_like_runs_took(ground: Ground) -> None:
    ground.cluster("cpu", idle=0, busy=1)
    history(ground, "x", 60, 100, 80, going_on_for=50)
    ground.queue(3, experiments=["x"])
    assert queue(ground) == pytest.approx([29, 109, 189], abs=0.01), "a second after they were queued"


def test_where_they_do_not_tell_nothing_is_guessed(ground: Ground) -> None:
    ground.cluster("cpu", idle=0, busy=1)
    history(ground, "x", 60, 100, going_on_for=500)
    ground.queue(1, experiments=["x"])
    assert queue(ground) == [None]
    with pytest.raises(NotFound, match="no cluster"):
        ground.database.submit_read(lambda read: waiting_line.queue(read, "nowhere", 0, 10)).result()


@pytest.mark.parametrize("reserved", [False, True])
def test_nothing_is_said_of_one_that_waits_for_a_gpu(ground: Ground, reserved: bool) -> None:
    ground.cluster("cpu", idle=1)
    history(ground, "x", 60, 100)
    [waits] = ground.queue(1, experiments=["x"], gpu=Gpu.REQUIRE, prefix="gpu-")
    ground.write(lambda write: store.update(write, waits, {"reserved": reserved}))
    ground.queue(2, experiments=["x"])
    assert queue(ground) == [None, 0, pytest.approx(80)]


def test_nothing_is_said_of_one_that_waits_for_a_quota_of_its_own(ground: Ground) -> None:
    ground.cluster("cpu", idle=3, busy=1)
    history(ground, "x", 60, 100, 80, going_on_for=50)
    quota = QuotaChange(set={"nodes": 1}, experiment="x")
    ground.write(lambda write: quotas.change(write, quota, 0))
    ground.queue(2, experiments=["x"])
    ground.queue(1, experiments=["y"], user="bob")
    assert sorted(queue(ground), key=str) == [0, None, None]


def test_runs_that_one_does_not_see_have_nodes_all_the_same(ground: Ground) -> None:
    ground.cluster("cpu", idle=0, busy=1)
    history(ground, "y", 60, 100)
    history(ground, "secret", going_on_for=50)
    ground.queue(1, experiments=["y"])
    number = ground.database.submit_read(
        lambda read: int(
            read.execute(sa.text("SELECT id FROM experiments WHERE name = 'secret'")).scalar_one()
        )
    ).result()
    assert queue(ground, View({number: "secret"})) == [None]
