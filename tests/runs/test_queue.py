"""Runs that queue: by thousands, in turn, with what each waits for; and what none of them costs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from faena.compute import store as compute
from faena.compute.gpus import Listed
from faena.compute.model import Cluster, Node, NodeState
from faena.compute.waiting import Gpu
from faena.db import Database, Write, metadata
from faena.runs import attempt_store, outlook, quota_store, service, store
from faena.runs.engine.scheduling import GPUS_TAKEN, Placement
from faena.runs.model import SCRIPT_RUN, Run, RunStatus
from faena.runs.queue import Queues
from faena.runs.submission_schemas import Submission
from faena.testing.clock import ManualClock
from faena.workspaces import store as workspaces
from tests.databases import Databases, on_sqlite_alone
from tests.examples import examples

EXPERIMENTS = ("x", "y", "z")


class Ground:
    """A database with clusters, nodes and runs, and the engine's placing."""

    def __init__(self, database: Database, gpus: Sequence[str] = ()) -> None:
        self.database = database
        self.clock = ManualClock()
        self.gpus: Listed | None = Listed(tuple(gpus))
        self.placement = Placement(self.clock, lambda: self.gpus)
        self.statements = 0

    def write(self, work: Callable[[Write], Any]) -> Any:
        return self.database.submit_write(work).result()

    def cluster(self, name: str, idle: int, busy: int = 0, *, max_nodes: int | None = None) -> None:
        def make(write: Write) -> None:
            compute.put_cluster(write, Cluster(name, 0, max_nodes or idle + busy, 600.0, 1, 0, 0))
            for number in range(idle + busy):
                node = Node(f"{name}-{number}", name, NodeState.PREPARING, None, number)
                compute.add_node(write, node)
                compute.set_state(write, node.id, NodeState.IDLE, number)
                if number >= idle:
                    held = replace(node, state=NodeState.RUNNING, run_id=f"before-{node.id}", attempt=1)
                    compute.assign_all(write, [held], number)

        self.write(make)

    def queue(
        self,
        count: int,
        *,
        cluster: str = "cpu",
        experiments: Sequence[str] = EXPERIMENTS,
        gpu: Gpu = Gpu.NONE,
        node_count: int = 1,
        prefix: str = "",
        user: str = "ann",
    ) -> list[str]:
        first = self.clock.now()
        self.clock.advance(count / 1e6 + 1)
        names = [f"{prefix}{experiments[number % len(experiments)]}-{number:05d}" for number in range(count)]

        def add(write: Write) -> None:
            for number, name in enumerate(names):
                experiment = experiments[number % len(experiments)]
                workspaces.create_experiment(write, experiment, 0)
                run = a_run(name, experiment, first + number, cluster, gpu, node_count, user)
                service.add(write, run, {}, {})

        self.write(add)
        return names

    def step(self) -> list[str]:
        """The runs that were placed, in no order."""
        before = self.having(RunStatus.STARTING)
        self.placed = self.write(self.placement.step)
        return sorted(self.having(RunStatus.STARTING) - before)

    def free(self, run_id: str) -> None:
        """The run has ended."""

        def end(write: Write) -> None:
            for node in compute.list_nodes(write):
                if node.run_id == run_id:
                    compute.set_state(write, node.id, NodeState.IDLE, self.clock.now())

        self.write(end)

    def having(self, status: RunStatus) -> set[str]:
        asked = sa.select(store.runs.c.id).where(store.runs.c.status == status.value)
        return set(self.database.submit_read(lambda read: read.execute(asked).scalars().all()).result())

    def gpus_of(self) -> dict[str, str]:
        nodes = self.database.submit_read(compute.list_nodes).result()
        return {str(node.run_id): ",".join(node.gpus) for node in nodes if node.run_id}

    def blocker(self, run_id: str) -> str | None:
        found: str | None = self.view(run_id).blocker
        return found

    def view(self, run_id: str) -> Any:
        return self.database.submit_read(lambda read: service.view(read, service.get(read, run_id))).result()

    def counted(self, work: Callable[[Write], object]) -> int:
        """What `work` costs the database, in hundreds of steps of SQLite's machine: the same on a busy machine."""

        def count(write: Write) -> int:
            inner = write.connection.connection.driver_connection
            assert inner is not None
            steps = 0

            def tick() -> None:
                nonlocal steps
                steps += 1

            inner.set_progress_handler(tick, 100)
            try:
                work(write)
            finally:
                inner.set_progress_handler(None, 0)
            return steps

        return int(self.write(count))


def a_run(
    name: str, experiment: str, at: int, cluster: str, gpu: Gpu, node_count: int, user: str = "ann"
) -> Run:
    asked = Submission(experiment, "0" * 64, "train.py", cluster, node_count=node_count, gpu=gpu.value)
    return Run(
        id=name,
        experiment=experiment,
        number=1,
        status=RunStatus.QUEUED,
        version=1,
        user=user,
        cluster=cluster,
        node_count=node_count,
        snapshot="0" * 64,
        submission=msgspec.json.encode(asked),
        created_at=at,
        queued_at=at,
        parent=None,
        type=SCRIPT_RUN,
        gpu=gpu.value,
    )


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Database:
    return databases.open(tmp_path / "faena.db")


@pytest.fixture(scope="module")
def lasting_database(lasting_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Database:
    return lasting_databases.open(tmp_path_factory.mktemp("queues") / "faena.db")


@pytest.fixture
def ground(database: Database, monkeypatch: pytest.MonkeyPatch) -> Ground:
    made = Ground(database)
    monkeypatch.setattr("faena.compute.gpus.known", lambda: made.gpus)
    return made


class TestAtDepth:
    @on_sqlite_alone
    def test_what_a_step_reads_does_not_grow_with_the_queue(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=0, busy=2)
        ground.queue(10)
        cost = {}
        for depth in (10, 2000):
            if depth > 10:
                ground.queue(depth - 10, prefix="more-")
            ground.step()  # the first in turn is reserved
            nothing = ground.counted(ground.placement.step)
            ground.free(next(run for run in ground.gpus_of() if run.startswith("before")))
            cost[depth] = (nothing, ground.counted(ground.placement.step))
        assert len(ground.having(RunStatus.STARTING)) == 2
        for few, many in zip(*cost.values(), strict=True):
            assert many <= few * 1.3 + 5, cost

    def test_experiments_take_turns_however_long_one_queue_is(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=0, busy=1)
        ground.queue(500, experiments=("x",))
        ground.queue(2, experiments=("y",))
        ground.queue(1, experiments=("z",))
        ground.step()
        order: list[str] = []
        running = next(iter(ground.gpus_of()))
        for _ in range(6):
            ground.free(running)
            [running] = ground.step()
            order.append(running)
        assert order == ["x-00000", "y-00000", "z-00000", "x-00001", "y-00001", "x-00002"]

    @on_sqlite_alone
    def test_a_wide_run_deep_in_the_queue_gets_its_nodes_when_its_turn_comes(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=0, busy=3)
        small = ground.queue(6, experiments=("x",))
        [wide] = ground.queue(1, experiments=("x",), node_count=3, prefix="wide-")
        ground.queue(1000, experiments=("x",), prefix="late-")
        for run in list(ground.gpus_of()):
            ground.free(run)
        assert ground.step() == small[:3]
        for run in small[:3]:
            ground.free(run)
        assert ground.step() == small[3:]
        for run, left in zip(small[3:5], (1, 2), strict=True):
            ground.free(run)
            assert ground.step() == []
            assert ground.blocker(wide) == f"{3 - left} of 3 nodes of 'cpu' are busy ({left} of 3 free)"
        ground.free(small[5])
        assert ground.step() == [wide]

    def test_place_and_blocker_are_those_of_the_order_in_which_runs_start(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=0, busy=1)
        chosen = random.Random(3)
        for part in range(12):
            ground.queue(5, experiments=(chosen.choice("uvwxyz"),), prefix=f"{part}-")
        ground.step()
        waiting = ground.having(RunStatus.QUEUED)
        places = {run: ground.view(run).position for run in waiting}
        assert sorted(places.values()) == list(range(1, 61))
        told = {run: ground.blocker(run) for run in waiting}
        running, order = next(iter(ground.gpus_of())), []
        for _ in range(6):  # one of each experiment: who was served is as it was until then
            ground.free(running)
            [running] = ground.step()
            order.append(running)
        assert order == sorted(order, key=lambda run: places[run])
        assert told[order[0]] == "1 of 1 nodes of 'cpu' are busy (0 of 1 free)"
        assert told[order[5]] == f"{places[order[5]] - 1} runs ahead of it on 'cpu'"

    @pytest.mark.long
    def test_two_hundred_runs_get_their_nodes_in_one_step(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=200, busy=100)
        names = ground.queue(250)
        placed = ground.step()
        assert len(placed) == 200
        held = ground.gpus_of()
        assert set(placed) <= set(held)
        [attempt] = ground.database.submit_read(lambda read: attempt_store.ranks(read, placed[0], 1)).result()
        assert attempt.node.startswith("cpu-")
        view = ground.view(placed[0])
        assert (view.status, view.blocker, view.position) == ("Starting", None, None)
        assert [phase.name for phase in view.phases] == ["Queued", "Starting"]
        assert {ground.view(run).position for run in names if run not in placed} == set(range(1, 51))


class TestGpus:
    @pytest.fixture(autouse=True)
    def one(self, ground: Ground) -> None:
        ground.gpus = Listed(("0",))

    def test_a_run_that_wants_none_leaves_it_to_one_that_must_have_it(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=2)
        [plain] = ground.queue(1)
        [must] = ground.queue(1, gpu=Gpu.REQUIRE, prefix="must-")
        assert ground.step() == sorted([plain, must])
        assert ground.gpus_of() == {plain: "", must: "0"}

    def test_one_that_must_have_it_waits_and_says_for_what(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=3)
        first, second, third = ground.queue(3, gpu=Gpu.REQUIRE, prefix="must-")
        [plain] = ground.queue(1)
        assert ground.step() == sorted([first, plain]), "who wants none passes by"
        busy = "1 of 1 GPU of this machine is in use (0 of 1 free)"
        assert ground.blocker(second) == busy
        assert ground.blocker(third) == f"1 run ahead of it on 'cpu'; {busy}"
        [late] = ground.queue(1, experiments=("x",), prefix="late-")
        ground.step()
        ground.free(first)
        assert ground.step() == [second]
        assert late in ground.gpus_of()

    @on_sqlite_alone
    def test_thousands_that_wait_for_it_hold_nobody_else_up(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=4)
        ground.queue(1000, gpu=Gpu.REQUIRE, prefix="must-")
        plain = ground.queue(3)
        assert len(ground.step()) == 4
        assert set(plain) <= set(ground.gpus_of())
        assert ground.counted(ground.placement.step) < 100
        [last] = ground.queue(1, prefix="last-")
        assert ground.blocker(last) == "4 of 4 nodes of 'cpu' are busy (0 of 1 free)"

    def test_one_that_would_have_it_goes_without_and_is_told(self, ground: Ground) -> None:
        ground.cluster("cpu", idle=2)
        first, second = ground.queue(2, gpu=Gpu.AUTO)
        ground.step()
        assert ground.gpus_of() == {first: "0", second: ""}
        notes = {run: [note.code for note in ground.view(run).notes] for run in (first, second)}
        assert notes == {first: [], second: [GPUS_TAKEN]}

    def test_those_of_two_clusters_share_it_in_the_order_of_their_waiting(self, ground: Ground) -> None:
        ground.cluster("a", idle=1)
        ground.cluster("b", idle=1)
        [one] = ground.queue(1, cluster="b", gpu=Gpu.REQUIRE, prefix="one-")
        [two] = ground.queue(1, cluster="b", gpu=Gpu.REQUIRE, prefix="two-")
        assert ground.step() == [one]
        [other] = ground.queue(1, cluster="a", gpu=Gpu.REQUIRE, prefix="other-")
        ground.step()
        ground.free(one)
        assert ground.step() == [two], "it waits longer"
        assert ground.blocker(other) == "1 of 1 GPU of this machine is in use (0 of 1 free)"

    def test_before_it_is_known_which_there_are_others_go_on(self, ground: Ground) -> None:
        ground.gpus = None
        ground.cluster("cpu", idle=2)
        [must] = ground.queue(1, gpu=Gpu.REQUIRE, prefix="must-")
        [plain] = ground.queue(1)
        assert ground.step() == [plain]
        assert ground.placed.asks_for_gpus
        assert ground.blocker(must) == "which GPUs this machine has is being asked (nvidia-smi)"
        ground.gpus = Listed(("0",))
        assert ground.step() == [must]
        assert not ground.placed.asks_for_gpus


@on_sqlite_alone
class TestRowsThatCannotBeRead:
    @pytest.mark.few(3)
    @pytest.mark.parametrize(
        "changes",
        [
            {"submission": b"{"},
            {"submission": b""},
            {"submission": b"\xff\xfe"},
            {"submission": b'{"experiment": 3}'},
            {"submission": b"[" * 100_000},
            {"node_count": "many"},
            {"node_count": -1},
            {"queued_at": "yesterday"},
            {"reason": "whatever"},
        ],
        ids=str,
    )
    def test_concern_that_run_alone(self, ground: Ground, changes: Mapping[str, object]) -> None:
        ground.cluster("cpu", idle=3)
        before, bad, after = ground.queue(3)
        self.damage(ground, bad, changes)
        for _ in range(3):
            ground.step()
        assert ground.having(RunStatus.STARTING) == {before, after}
        assert ground.having(RunStatus.FAILED) == {bad}
        if "node_count" not in changes and "queued_at" not in changes:
            view = ground.view(bad)
            assert "cannot be read" in view.error.message
            assert view.status == "Failed"

    def damage(self, ground: Ground, run_id: str, changes: Mapping[str, object]) -> None:
        given = ", ".join(f"{name} = :{name}" for name in changes)
        ground.write(
            lambda write: write.execute(
                sa.text(f"UPDATE runs SET {given} WHERE id = :id"), {**changes, "id": run_id}
            )
        )


@settings(max_examples=examples(15))
@given(
    lines=st.lists(
        st.tuples(st.sampled_from("uvwxyz"), st.sampled_from(Gpu), st.sampled_from(["ann", "bob", "eve"])),
        min_size=1,
        max_size=25,
    ),
    served=st.dictionaries(st.sampled_from("uvwxyz"), st.integers(0, 3)),
    people_served=st.dictionaries(st.sampled_from(["ann", "bob", "eve"]), st.integers(0, 3)),
    used=st.dictionaries(st.sampled_from(["ann", "bob", "eve"]), st.integers(1, 5)),
    reserved=st.sets(st.integers(0, 24), max_size=2),
)
def test_a_place_that_is_counted_is_the_one_that_the_order_has(
    lasting_database: Database,
    lines: list[tuple[str, Gpu, str]],
    served: dict[str, int],
    people_served: dict[str, int],
    used: dict[str, int],
    reserved: set[int],
) -> None:
    ground = Ground(lasting_database)

    def fill(write: Write) -> None:
        for table in reversed(metadata.sorted_tables):
            if table.name in ("runs", "run_phases", "experiments", "clusters", "queue_turns"):
                write.execute(table.delete())
        compute.put_cluster(write, Cluster("cpu", 0, 1, 600.0, 1, 0, 0))
        for name in "uvwxyz":
            workspaces.create_experiment(write, name, 0)
            write.execute(
                workspaces.experiments.update()
                .where(workspaces.experiments.c.name == name)
                .values(served=served.get(name, 0))
            )
        for user, turn in people_served.items():
            write.execute(quota_store.turns.insert().values(user=user, served=turn))
        for user, count in used.items():
            held = a_run(f"of-{user}", "u", 0, "cpu", Gpu.NONE, count, user)
            store.add(write, replace(held, status=RunStatus.RUNNING))
        for number, (name, gpu, user) in enumerate(lines):
            run = a_run(f"r{number:02d}", name, number // 2, "cpu", gpu, 1, user)
            store.add(write, msgspec.structs.replace(run, reserved=number in reserved))

    ground.write(fill)

    def compare(write: Write) -> None:
        queues = Queues(write, 0)
        order = list(queues.in_turn("cpu", frozenset))
        assert len(order) == len(lines)
        places = [outlook.runs_before(write, queues, "cpu", run, frozenset(Gpu)) for run in order]
        assert places == list(range(len(order)))
        must = frozenset({Gpu.REQUIRE})
        if not any(
            run.gpu in must for run in queues.reserved("cpu")
        ):  # those stay in the line, though passed over
            order = list(queues.in_turn("cpu", lambda: must))
            places = [outlook.runs_before(write, queues, "cpu", run, frozenset(Gpu) - must) for run in order]
            assert places == list(range(len(order)))

    ground.write(compare)
