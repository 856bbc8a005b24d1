"""What is asked of nodes on other machines is asked of those that it concerns, on each database."""

from __future__ import annotations

from pathlib import Path

from faena.compute import store as compute
from faena.compute.leases import Leases, Terms
from faena.compute.machines import showing
from faena.compute.machines import store as machines
from faena.compute.machines.model import Machine, Told
from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.db import Read, Write
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


def test_all_machines_are_shown_by_one_statement(databases: Databases, tmp_path: Path) -> None:
    database = databases.open(tmp_path / "faena.db")
    leases = Leases(Terms(), lambda: 0.0)
    states = {
        "a": ("idle", NodeState.IDLE, False, True),
        "b": ("running", NodeState.RUNNING, False, True),
        "c": ("draining", NodeState.IDLE, True, True),
        "d": ("away", NodeState.IDLE, False, False),
        "e": ("away", None, False, False),
    }

    def furnish(write: Write) -> None:
        compute.put_cluster(write, Cluster("far", 0, 9, 0.0, None, 0, 0, ClusterKind.JOINED))
        compute.put_cluster(write, Cluster("big", 0, 9, 0.0, None, 0, 0, ClusterKind.RAY))
        for name, (_, state, draining, lives) in states.items():
            node = f"n-{name}"
            if state is not None:
                compute.add_node(write, Node(node, "far", state, None, 0, machine=name, cores=1))
            told = Told(2, labels={"rack": name})
            machines.add(write, Machine(name, "far", name, name, node, told, draining, 5, 6))
            if lives:
                leases.hear(node)
        machines.add(write, Machine("f", "big", "gone", "f", None, Told(1), False, 5, 6))

    def look(read: Read) -> None:
        statements: list[int] = []
        found = showing.views(Read(read.connection, lambda: statements.append(1)), leases)
        assert {each.name: each.state for each in found} == {name: told[0] for name, told in states.items()}
        assert [(each.node, each.labels["rack"]) for each in found[:2]] == [("n-a", "a"), ("n-b", "b")]
        assert found[4].node is None and (found[0].joined_at, found[0].heard_at) == (5, 6)
        assert len(statements) == 1

    database.submit_write(furnish).result()
    database.submit_read(look).result()
