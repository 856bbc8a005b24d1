"""Several sweeps and ordinary runs share the nodes of a cluster: nobody waits until another one is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from faena.compute import store as compute
from faena.compute.gpus import Listed
from faena.compute.model import Node, NodeState
from faena.db import Write
from faena.runs import service as runs
from faena.runs import store as run_rows
from faena.runs import transitions
from faena.runs.engine.scheduling import Placement
from faena.runs.model import EndReason, Outcome, RunStatus
from tests.databases import Databases
from tests.sweeps.ground import READY, Ground

NODES = 2


class Cluster(Ground):
    """With nodes that start what the engine places on them; all runs take equally long."""

    def nodes(self) -> None:
        self.placement = Placement(self.clock, lambda: Listed(()))

        def make(write: Write) -> None:
            for number in range(NODES):
                node = f"cpu-{number}"
                compute.add_node(write, Node(node, "cpu", NodeState.PREPARING, None, number))
                compute.set_state(write, node, NodeState.IDLE, number)

        self.write(make)

    def submit(self, run_id: str, experiment: str) -> None:
        self.clock.advance(0.001)
        self.write(
            lambda write: runs.submit(write, run_id, self.submission(experiment), self.clock.now(), READY)
        )

    def order(self) -> list[str]:
        """The runs in the order in which they get their nodes, until none waits. What is placed together ends so."""
        found: list[str] = []
        while placed := self.write(self._round):
            found += placed
            assert len(found) < 200, f"runs come without an end: {found}"
        return found

    def _round(self, write: Write) -> list[str]:
        self.placement.step(write)
        nodes = [node for node in compute.list_nodes(write) if node.run_id is not None]
        placed = list(dict.fromkeys(str(node.run_id) for node in nodes))
        self.clock.advance(1.0)
        for run_id in placed:
            run_rows.update(write, run_id, {"status": RunStatus.RUNNING.value})
            outcome = Outcome(EndReason.COMPLETED)
            transitions.end(write, runs.get(write, run_id), outcome, self.clock.now())
        for node in nodes:
            compute.set_state(write, node.id, NodeState.IDLE, self.clock.now())
        return placed


@pytest.fixture
def cluster(databases: Databases, tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(databases.open(tmp_path / "faena.db"), max_nodes=NODES)
    made.nodes()
    yield made


def whose(order: Sequence[str]) -> str:
    """`A_3` is of sweep A, `plain-1` is an ordinary run."""
    return "".join(run_id[0] for run_id in order)


@pytest.mark.few(1)
@pytest.mark.parametrize("experiments", [("one", "two", "three"), ("same", "same", "same")])
def test_sweeps_take_turns_and_an_ordinary_run_waits_for_one_turn_of_each(
    cluster: Cluster, experiments: tuple[str, str, str]
) -> None:
    for name, experiment in zip("ABC", experiments, strict=True):
        cluster.clock.advance(0.001)
        cluster.begin(name, experiment, max_total_runs=8, max_concurrent_runs=8)
    for number in range(3):
        cluster.submit(f"plain-{number}", experiments[0])
    order = cluster.order()
    assert len(order) == len(set(order)) == 27
    for name in "ABC":
        numbers = [int(run_id[2:]) for run_id in order if run_id[0] == name]
        assert numbers == list(range(8)), "each trial once, in order"
    found = whose(order)
    # no sweep is further than the others by more than what it has in the queue
    for place in range(len(found)):
        counts = [found[:place].count(name) for name in "ABC"]
        assert max(counts) - min(counts) <= 2 * NODES, found
    last = found.rindex("p")
    assert last < 3 * NODES + 3 + 2 * NODES, f"ordinary runs wait for what was queued before: {found}"


def test_trials_of_several_nodes_are_not_kept_waiting_by_those_of_one(cluster: Cluster) -> None:
    cluster.begin("A", "one", max_total_runs=10, max_concurrent_runs=10)
    cluster.clock.advance(0.001)
    cluster.begin("B", "two", NODES, max_total_runs=3, max_concurrent_runs=3)
    found = whose(cluster.order())
    assert (found.count("A"), found.count("B")) == (10, 3)
    assert found.rindex("B") < len(found) - 2, (
        f"the sweep of several nodes is not put off to the end: {found}"
    )
