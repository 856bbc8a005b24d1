"""Elasticity and placement, as pure rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.compute.model import Cluster, Node, NodeState, Waiting, in_turn, plan
from faena.kernel.errors import ComputeTargetException


def cluster(**changes: object) -> Cluster:
    values: dict[str, object] = {
        "name": "c",
        "min_nodes": 0,
        "max_nodes": 4,
        "idle_seconds_before_scaledown": 120.0,
        "cores_per_node": 1,
        "created_at": 0,
        "modified_at": 0,
    }
    return Cluster(**{**values, **changes})  # type: ignore[arg-type]  # the test names fields by keyword


def nodes(*states: NodeState) -> list[Node]:
    return [Node(f"n{place}", "c", state, None, 0) for place, state in enumerate(states)]


def run(run_id: str, count: int = 1, experiment: str = "e", at: int = 0, **changes: bool) -> Waiting:
    return Waiting(run_id, experiment, count, at, changes.get("reserved", False), changes.get("ready", True))


IDLE, RUNNING, PREPARING, LEAVING = NodeState.IDLE, NodeState.RUNNING, NodeState.PREPARING, NodeState.LEAVING


_SUBMITTED = [("x", 0), ("x", 1), ("x", 2), ("y", 0), ("y", 1), ("z", 0)]


class TestGrowing:
    def test_nodes_come_for_runs_that_wait(self) -> None:
        assert plan(cluster(), [], [run("a"), run("b")], {}, {}).start == 2

    def test_never_more_than_max_nodes(self) -> None:
        waiting = [run(str(number)) for number in range(10)]
        assert plan(cluster(), nodes(RUNNING, LEAVING), waiting, {}, {}).start == 2

    def test_nodes_that_are_coming_count(self) -> None:
        assert plan(cluster(), nodes(PREPARING), [run("a")], {}, {}).start == 0

    def test_nodes_come_while_the_environment_is_made(self) -> None:
        made = plan(cluster(), [], [run("a", ready=False)], {}, {})
        assert (made.start, made.place) == (1, ())

    def test_min_nodes_are_kept_without_any_run(self) -> None:
        assert plan(cluster(min_nodes=3), nodes(IDLE), [], {}, {}).start == 2


class TestShrinking:
    def test_an_idle_node_leaves_exactly_when_its_time_is_up(self) -> None:
        assert plan(cluster(), nodes(IDLE), [], {}, {"n0": 119.999}).leave == ()
        assert plan(cluster(), nodes(IDLE), [], {}, {"n0": 120.0}).leave == ("n0",)

    def test_never_under_min_nodes(self) -> None:
        idle = {"n0": 500.0, "n1": 400.0, "n2": 300.0}
        assert plan(cluster(min_nodes=2), nodes(IDLE, IDLE, IDLE), [], {}, idle).leave == ("n0",)

    def test_a_node_that_a_run_waits_for_stays(self) -> None:
        waiting = [run("big", 2)]
        assert plan(cluster(), nodes(IDLE, RUNNING, RUNNING, RUNNING), waiting, {}, {"n0": 500.0}).leave == ()


class TestPlacing:
    def test_all_nodes_of_a_run_together_or_none(self) -> None:
        assert plan(cluster(), nodes(IDLE, RUNNING), [run("a", 2)], {}, {}).place == ()
        assert plan(cluster(), nodes(IDLE, IDLE), [run("a", 2)], {}, {}).place == (("a", ("n0", "n1")),)

    def test_first_in_first_out_within_an_experiment(self) -> None:
        waiting = [run("late", at=2), run("early", at=1)]
        assert plan(cluster(), nodes(IDLE), waiting, {}, {}).place == (("early", ("n0",)),)

    def test_experiments_take_turns(self) -> None:
        waiting = [run(f"a{n}", experiment="a", at=n) for n in range(3)]
        waiting += [run("b0", experiment="b", at=10)]
        order = in_turn(waiting, {"a": 5, "b": 3})
        assert [each.run_id for each in order] == ["b0", "a0", "a1", "a2"]

    def test_experiments_take_turns_on_a_node_that_comes_free_again_and_again(self) -> None:
        waiting = [run(f"{name}{n}", experiment=name, at=at) for at, (name, n) in enumerate(_SUBMITTED)]
        served: dict[str, int] = {}
        started: list[str] = []
        full = plan(cluster(max_nodes=1), nodes(RUNNING), waiting, served, {})
        while waiting:
            waiting = [replace(each, reserved=each.run_id == full.reserve) for each in waiting]
            freed = plan(cluster(max_nodes=1), nodes(IDLE), waiting, served, {})
            ((run_id, _),) = freed.place
            placed = next(each for each in waiting if each.run_id == run_id)
            waiting.remove(placed)
            started.append(run_id)
            served[placed.experiment] = len(started)
            full = freed
        assert started == ["x0", "y0", "z0", "x1", "y1", "x2"]

    def test_a_run_that_needs_many_nodes_reserves_them_as_they_come_free(self) -> None:
        waiting = [run("big", 3, at=1), run("small", experiment="f", at=2)]
        first = plan(cluster(), nodes(IDLE, IDLE, RUNNING, RUNNING), waiting, {}, {})
        assert (first.place, first.reserve) == ((), "big")
        waiting[0] = run("big", 3, at=1, reserved=True)
        second = plan(cluster(), nodes(IDLE, IDLE, IDLE, RUNNING), waiting, {"e": 9, "f": 0}, {})
        assert second.place == (("big", ("n0", "n1", "n2")),)

    def test_who_waits_is_told_for_what(self) -> None:
        waiting = [run("big", 3, at=1), run("small", at=2)]
        blockers = plan(cluster(max_nodes=3), nodes(IDLE, RUNNING, RUNNING), waiting, {}, {}).blockers
        assert blockers["big"] == "2 of 3 nodes of 'c' are busy (1 of 3 free)"
        assert blockers["small"] == "1 run ahead of it on 'c'"


@given(
    states=st.lists(st.sampled_from(NodeState), max_size=6),
    counts=st.lists(st.integers(1, 6), max_size=6),
    minimum=st.integers(0, 6),
    idle=st.floats(0, 1000),
)
def test_whatever_comes_the_limits_hold(
    states: list[NodeState], counts: list[int], minimum: int, idle: float
) -> None:
    shape = cluster(min_nodes=minimum, max_nodes=6)
    there = nodes(*states)
    made = plan(
        shape,
        there,
        [run(str(n), count) for n, count in enumerate(counts)],
        {},
        {node.id: idle for node in there},
    )
    assert len(there) + made.start <= 6
    usable = sum(state is not LEAVING for state in states)
    assert usable - len(made.leave) >= min(minimum, usable)
    taken = [node for _, chosen in made.place for node in chosen]
    assert len(taken) == len(set(taken))
    assert not set(taken) & set(made.leave)
    assert all(there[int(node[1:])].state is IDLE for node in [*taken, *made.leave])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"max_nodes": 0}, "max_nodes"),
        ({"max_nodes": 10**6}, "max_nodes"),
        ({"min_nodes": 5}, "min_nodes"),
        ({"min_nodes": -1}, "min_nodes"),
        ({"idle_seconds_before_scaledown": -1.0}, "idle_seconds"),
        ({"idle_seconds_before_scaledown": float("nan")}, "idle_seconds"),
        ({"cores_per_node": 0}, "cores_per_node"),
    ],
)
def test_a_shape_that_cannot_be_names_the_field(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ComputeTargetException, match=named):
        cluster(**changes)
