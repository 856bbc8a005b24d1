"""What somebody elsewhere is asked for, as pure rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.compute import gangs
from faena.compute.gangs import Place
from faena.compute.gpu_shares import OwnGpus
from faena.compute.model import Cluster, ClusterKind, Node, NodeState
from faena.compute.outlook import outlook
from faena.compute.scheduling import plan
from faena.compute.shares import Shares
from faena.compute.waiting import Gpu, Waiting, Wanted


def ray(max_nodes: int = 4, min_nodes: int = 0, waits: str = "") -> Cluster:
    return Cluster("big", min_nodes, max_nodes, 60.0, 1, 0, 0, ClusterKind.RAY, "{}", waits)


def node(name: str, state: NodeState = NodeState.PREPARING, gang: str = "", address: str = "") -> Node:
    return Node(name, "big", state, None, 0, machine=f"machine-{name}", gang=gang, address=address)


def to_come(gang: str, size: int) -> list[Node]:
    return [node(f"{gang}{rank}", gang=Place(gang, rank, size).text) for rank in range(size)]


@pytest.mark.parametrize(
    ("start", "there", "runs", "found"),
    [
        (3, 0, [1, 2], [1, 2]),
        (2, 0, [2], [2]),
        (1, 1, [2], [1]),
        (2, 2, [2, 2], [2]),
        (3, 0, [], [1, 1, 1]),
        (1, 0, [2], []),  # the cluster is full: a part of a gang would wait for nothing
        (4, 0, [3, 2], [3]),
        (2, 5, [1], [1, 1]),
    ],
)
def test_what_a_run_lacks_is_asked_for_together(
    start: int, there: int, runs: list[int], found: list[int]
) -> None:
    assert gangs.sizes(start, there, runs) == found


@pytest.mark.long
@given(st.integers(0, 20), st.integers(0, 20), st.lists(st.integers(1, 8), max_size=10))
def test_no_more_is_asked_for_than_may_be(start: int, there: int, runs: list[int]) -> None:
    assert sum(gangs.sizes(start, there, runs)) <= start


def test_what_nobody_waits_for_any_more_is_withdrawn_as_whole_gangs() -> None:
    nodes = [*to_come("a", 1), *to_come("b", 2), node("here", NodeState.IDLE, "c.0.1", "10.0.0.7")]
    assert gangs.to_withdraw(nodes, 1) == nodes[:1]
    assert {each.id for each in gangs.to_withdraw(nodes, 2)} == {"b0", "b1"}
    assert len(gangs.to_withdraw(nodes, 3)) == 3


def test_a_gang_of_which_a_part_has_joined_stays() -> None:
    first, second = to_come("a", 2)
    joined = node("a0", NodeState.IDLE, first.gang, "10.0.0.7")
    assert gangs.to_withdraw([joined, second], 2) == []


def test_names_come_again() -> None:
    assert gangs.free_names("big", {"big-0", "big-2"}, 2) == ["big-1", "big-3"]
    (name,) = gangs.free_names("a" * 64, (), 1)
    assert len(name) <= 63


@pytest.mark.parametrize("text", ["", "gang", "gang.1", "gang.a.2", "gang.1.", "gang.-1.2"])
def test_a_node_that_nobody_was_asked_for_has_no_place(text: str) -> None:
    assert Place.of(node("n", gang=text)) is None


def test_a_ray_cluster_grows_for_runs_that_must_have_a_gpu_though_none_is_there_yet() -> None:
    run = Waiting("r", "e", 2, 0, gpu=Gpu.REQUIRE)
    made = plan(ray(), [], [run], Wanted(0, 2), {}, OwnGpus({}), Shares())
    assert (made.start, made.surplus) == (2, 0)


def test_nodes_that_were_asked_for_are_not_asked_for_again_and_are_surplus_when_their_run_is_canceled() -> (
    None
):
    run = Waiting("r", "e", 2, 0)
    assert plan(ray(), to_come("a", 2), [run], Wanted(2), {}, OwnGpus({}), Shares()).start == 0
    made = plan(ray(), to_come("a", 2), [], Wanted(0), {}, OwnGpus({}), Shares())
    assert (made.start, made.surplus) == (0, 2)
    assert plan(ray(min_nodes=1), to_come("a", 2), [], Wanted(0), {}, OwnGpus({}), Shares()).surplus == 1


def test_idle_nodes_of_a_ray_cluster_leave() -> None:
    here = node("a", NodeState.IDLE, "g.0.1", "10.0.0.7")
    assert plan(ray(), [here], [], Wanted(0), {"a": 61.0}, OwnGpus({}), Shares()).leave == ("a",)


def test_a_waiting_run_says_what_ray_waits_for() -> None:
    found = outlook(
        ray(waits="Ray launches a node"), {NodeState.PREPARING: 1}, Waiting("r", "e", 1, 0), 0, OwnGpus({})
    )
    assert found.blocker == "nodes of 'big' are starting (0 of 1 free): Ray launches a node"
