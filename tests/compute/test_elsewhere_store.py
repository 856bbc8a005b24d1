"""What is asked of nodes on other machines is asked of those that it concerns, on each database."""

from __future__ import annotations

from pathlib import Path

from faena.compute import store as compute
from faena.compute.machines import store as machines
from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.db import Write
from faena.runs import attempt_store
from faena.runs.engine import elsewhere
from tests.databases import Databases


def test_nodes_elsewhere(databases: Databases, tmp_path: Path) -> None:
    database = databases.open(tmp_path / "faena.db")

    def furnish(write: Write) -> None:
        compute.put_cluster(write, Cluster("far", 0, 4, 0.0, None, 0, 0, ClusterKind.JOINED))
        for number, gpus in enumerate((("0",), (), ())):
            node = Node(
                f"n{number}", "far", NodeState.IDLE, None, number, machine=f"m{number}", cores=3 - number
            )
            compute.add_node(write, node)
            write.execute(
                compute.nodes.update().where(compute.nodes.c.id == node.id).values(own_gpus=",".join(gpus))
            )

    def look(write: Write) -> None:
        assert [node.id for node in compute.idle_elsewhere(write, "far", 2)] == ["n1", "n2"]
        assert [node.id for node in compute.idle_elsewhere(write, "far", 9)] == ["n1", "n2", "n0"]
        assert (compute.fewest_cores(write, "far"), compute.fewest_cores(write, "none")) == (1, 1)
        assert (compute.count_here(write), compute.list_here(write)) == (0, [])
        assert set(compute.ids_of(write, "far")) == set(compute.ids_elsewhere(write)) == {"n0", "n1", "n2"}
        assert compute.has_node(write, "m1") and not compute.has_node(write, "m9")
        assert compute.node_states(write, "far") == {NodeState.IDLE: 3}
        machines.heard(write, "m1", 5)
        assert machines.list_machines(write) == machines.list_machines(write, "far") == []
        assert not elsewhere.changed(write, ["n1"])

    def attempts(write: Write) -> None:
        given = Node("n1", "far", NodeState.RUNNING, None, 1, "r", 1, machine="m1")
        compute.assign_all(write, [given], 1)
        assert compute.addresses(write, "far", "r", 1) == [(0, "")]
        assert attempt_store.orphans(write) == attempt_store.open_attempts_on(write, "m1") == []
        assert attempt_store.of_rank(write, "r", 1, 0) is None
        assert not attempt_store.standing(write, "r", 1).exists

    for work in (furnish, look, attempts):
        database.submit_write(work).result()
