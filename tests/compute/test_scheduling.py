"""Elasticity and placement, as pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from faena.compute.gpu_shares import FreeGpus, share_of
from faena.compute.model import Cluster, Node, NodeState
from faena.compute.outlook import outlook
from faena.compute.scheduling import Plan
from faena.compute.scheduling import plan as plan_of
from faena.compute.shares import Line, Shares, line_of
from faena.compute.turns import in_turn
from faena.compute.waiting import Gpu, Waiting, Wanted, by_time
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


def run(
    run_id: str,
    count: int = 1,
    experiment: str = "e",
    at: int = 0,
    *,
    reserved: bool = False,
    gpu: Gpu = Gpu.NONE,
    user: str = "ann",
) -> Waiting:
    return Waiting(run_id, experiment, count, at, reserved, gpu, user)


def in_order(
    waiting: Iterable[Waiting], served: Mapping[str, int], shares: Shares | None = None
) -> Iterator[Waiting]:
    lines: dict[Line, list[Waiting]] = {}
    for each in sorted(waiting, key=by_time):
        if not each.reserved:
            lines.setdefault(line_of(each), []).append(each)
    reserved = [each for each in waiting if each.reserved]
    return in_turn({line: iter(runs) for line, runs in lines.items()}, reserved, served, shares or Shares())


def order(waiting: Iterable[Waiting], served: Mapping[str, int]) -> list[Waiting]:
    return list(in_order(waiting, served))


def plan(
    shape: Cluster,
    there: Sequence[Node],
    waiting: Sequence[Waiting],
    served: Mapping[str, int] | None = None,
    idle: Mapping[str, float] | None = None,
    *,
    gpus: FreeGpus | None = None,
    unprepared: int = 0,
    shares: Shares | None = None,
) -> Plan:
    with_gpu = sum(each.node_count for each in waiting if each.gpu is Gpu.REQUIRE)
    wanted = Wanted(unprepared + sum(each.node_count for each in waiting) - with_gpu, with_gpu)
    shares = shares or Shares()
    line = in_order(waiting, served or {}, shares)
    return plan_of(shape, there, line, wanted, idle or {}, gpus or FreeGpus((), ()), shares)


def placed(made: Plan) -> dict[str, tuple[str, ...]]:
    return {waiting.run_id: tuple(each.node for each in given) for waiting, given in made.place}


def gpus_of(made: Plan) -> dict[str, tuple[tuple[str, ...], ...]]:
    return {waiting.run_id: tuple(each.gpus for each in given) for waiting, given in made.place}


IDLE, RUNNING, PREPARING, LEAVING = NodeState.IDLE, NodeState.RUNNING, NodeState.PREPARING, NodeState.LEAVING


_SUBMITTED = [("x", 0), ("x", 1), ("x", 2), ("y", 0), ("y", 1), ("z", 0)]


class TestGrowing:
    def test_nodes_come_for_runs_that_wait(self) -> None:
        assert plan(cluster(), [], [run("a"), run("b")]).start == 2

    def test_never_more_than_max_nodes(self) -> None:
        waiting = [run(str(number)) for number in range(10)]
        assert plan(cluster(), nodes(RUNNING, LEAVING), waiting).start == 2

    def test_nodes_that_are_coming_count(self) -> None:
        assert plan(cluster(), nodes(PREPARING), [run("a")]).start == 0

    def test_nodes_come_while_the_environment_is_made(self) -> None:
        made = plan(cluster(), [], [], unprepared=1)
        assert (made.start, made.place) == (1, ())

    def test_min_nodes_are_kept_without_any_run(self) -> None:
        assert plan(cluster(min_nodes=3), nodes(IDLE), []).start == 2

    def test_none_comes_for_a_run_that_waits_for_a_gpu(self) -> None:
        waiting = [run("a", gpu=Gpu.REQUIRE), run("b", gpu=Gpu.REQUIRE)]
        assert plan(cluster(), nodes(RUNNING), waiting, gpus=FreeGpus(["0", "1"], ["0"])).start == 1
        assert plan(cluster(), nodes(RUNNING), waiting, gpus=FreeGpus(["0"], ["0"])).start == 0


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
        assert placed(plan(cluster(), nodes(IDLE, RUNNING), [run("a", 2)])) == {}
        assert placed(plan(cluster(), nodes(IDLE, IDLE), [run("a", 2)])) == {"a": ("n0", "n1")}

    def test_first_in_first_out_within_an_experiment(self) -> None:
        waiting = [run("late", at=2), run("early", at=1)]
        assert placed(plan(cluster(), nodes(IDLE), waiting)) == {"early": ("n0",)}

    def test_experiments_take_turns(self) -> None:
        waiting = [run(f"a{n}", experiment="a", at=n) for n in range(3)]
        waiting += [run("b0", experiment="b", at=10)]
        assert [each.run_id for each in order(waiting, {"a": 5, "b": 3})] == ["b0", "a0", "a1", "a2"]

    def test_experiments_take_turns_on_a_node_that_comes_free_again_and_again(self) -> None:
        waiting = [run(f"{name}{n}", experiment=name, at=at) for at, (name, n) in enumerate(_SUBMITTED)]
        served: dict[str, int] = {}
        started: list[str] = []
        full = plan(cluster(max_nodes=1), nodes(RUNNING), waiting, served)
        while waiting:
            waiting = [replace(each, reserved=each.run_id in full.reserve) for each in waiting]
            freed = plan(cluster(max_nodes=1), nodes(IDLE), waiting, served)
            (run_id,) = placed(freed)
            gone = next(each for each in waiting if each.run_id == run_id)
            waiting.remove(gone)
            started.append(run_id)
            served[gone.experiment] = len(started)
            full = freed
        assert started == ["x0", "y0", "z0", "x1", "y1", "x2"]

    def test_a_run_that_needs_many_nodes_reserves_them_as_they_come_free(self) -> None:
        waiting = [run("big", 3, at=1), run("small", experiment="f", at=2)]
        first = plan(cluster(), nodes(IDLE, IDLE, RUNNING, RUNNING), waiting)
        assert (first.place, first.reserve) == ((), ("big",))
        waiting[0] = run("big", 3, at=1, reserved=True)
        second = plan(cluster(), nodes(IDLE, IDLE, IDLE, RUNNING), waiting, {"e": 9, "f": 0})
        assert placed(second) == {"big": ("n0", "n1", "n2")}

    def test_no_more_of_a_line_is_read_than_is_placed(self) -> None:
        def endless(experiment: str) -> Iterable[Waiting]:
            at = 0
            while True:
                read.append(experiment)
                yield run(f"{experiment}{at}", experiment=experiment, at=at)
                at += 1

        read: list[str] = []
        lines = {Line("ann", name): iter(endless(name)) for name in "xyz"}
        line = in_turn(lines, [], {}, Shares())
        made = plan_of(cluster(), nodes(IDLE, IDLE), line, Wanted(10**6), {}, FreeGpus((), ()), Shares())
        assert len(made.place) == 2
        assert len(read) <= 4


@st.composite
def _queues(draw: st.DrawFn) -> tuple[list[Waiting], dict[str, int]]:
    names = draw(st.lists(st.sampled_from("uvwxyz"), max_size=12))
    ats = draw(st.permutations(range(len(names))))
    waiting = [run(f"r{at}", experiment=name, at=at) for name, at in zip(names, ats, strict=True)]
    first = draw(st.sets(st.integers(0, 11), max_size=2))
    waiting = [replace(each, reserved=each.queued_at in first) for each in waiting]
    return waiting, draw(st.dictionaries(st.sampled_from("uvwxyz"), st.integers(0, 3)))


@given(_queues())
def test_turns_are_those_of_the_whole_queue_sorted_at_once(
    queues: tuple[list[Waiting], dict[str, int]],
) -> None:
    """The rule as it was first written: lines, a round of turns after the other, reservations before all."""
    waiting, served = queues
    lines: dict[str, list[Waiting]] = {}
    for each in sorted(waiting, key=lambda each: (not each.reserved, each.queued_at, each.run_id)):
        lines.setdefault(each.experiment, []).append(each)
    turns = sorted(
        lines.values(),
        key=lambda line: (served.get(line[0].experiment, 0), line[0].queued_at, line[0].run_id),
    )
    depth = max((len(line) for line in turns), default=0)
    rounds = [line[place] for place in range(depth) for line in turns if place < len(line)]
    assert order(waiting, served) == sorted(rounds, key=lambda each: not each.reserved)
    assert list(islice(order(waiting, served), 1)) == order(waiting, served)[:1]


class TestGpus:
    def test_a_run_that_wants_none_gets_none(self) -> None:
        assert gpus_of(plan(cluster(), nodes(IDLE), [run("a")], gpus=FreeGpus(["0"], []))) == {"a": ((),)}

    @pytest.mark.parametrize("kind", [Gpu.AUTO, Gpu.REQUIRE])
    def test_each_node_gets_an_equal_part(self, kind: Gpu) -> None:
        waiting = [run("a", gpu=kind), run("b", gpu=kind, at=1)]
        made = plan(cluster(max_nodes=2), nodes(IDLE, IDLE), waiting, gpus=FreeGpus("0123", []))
        assert gpus_of(made) == {"a": (("0", "1"),), "b": (("2", "3"),)}

    @pytest.mark.parametrize(
        ("gpus", "max_nodes", "expected"), [(4, 2, 2), (4, 3, 1), (1, 4, 1), (0, 4, 0), (8, 1, 8)]
    )
    def test_a_part_is_one_at_least(self, gpus: int, max_nodes: int, expected: int) -> None:
        assert share_of(gpus, max_nodes) == expected

    def test_a_run_that_must_have_one_is_passed_over_and_is_the_next_to_have_it(self) -> None:
        waiting = [run("must", gpu=Gpu.REQUIRE), run("may", gpu=Gpu.AUTO, at=1), run("not", at=2)]
        made = plan(cluster(), nodes(RUNNING, IDLE, IDLE), waiting, gpus=FreeGpus(["0"], ["0"]))
        assert gpus_of(made) == {"may": ((),), "not": ((),)}
        assert made.reserve == ("must",)
        waiting = [
            replace(waiting[0], reserved=True),
            run("other", gpu=Gpu.REQUIRE, experiment="f", at=3),
        ]
        made = plan(cluster(), nodes(IDLE, IDLE), waiting, {"e": 9}, gpus=FreeGpus(["0"], []))
        assert gpus_of(made) == {"must": (("0",),)}
        assert made.reserve == ("other",)

    def test_no_other_takes_those_that_a_run_of_many_nodes_waits_for(self) -> None:
        waiting = [
            run("big", 2, gpu=Gpu.REQUIRE),
            run("must", gpu=Gpu.REQUIRE, at=1),
            run("may", gpu=Gpu.AUTO, at=2),
        ]
        made = plan(cluster(), nodes(IDLE, IDLE, IDLE), waiting, gpus=FreeGpus(["0", "1"], ["1"]))
        assert gpus_of(made) == {"may": ((),)}
        made = plan(cluster(), nodes(IDLE, IDLE, IDLE), waiting, gpus=FreeGpus(["0", "1"], []))
        assert gpus_of(made) == {"big": (("0",), ("1",)), "may": ((),)}

    def test_two_clusters_share_a_machine(self) -> None:
        """What waits for nodes in one keeps its GPU from those of the other."""
        pool = FreeGpus(["0", "1"], [])
        plan(cluster(), nodes(RUNNING), [run("a", 1, gpu=Gpu.REQUIRE)], gpus=pool)
        made = plan(cluster(), nodes(IDLE, IDLE), [run("b", 2, gpu=Gpu.REQUIRE)], gpus=pool)
        assert made.place == ()

    def test_nobody_who_wants_one_is_placed_before_it_is_known_which_there_are(self) -> None:
        waiting = [run("must", gpu=Gpu.REQUIRE), run("may", gpu=Gpu.AUTO), run("not")]
        made = plan(cluster(), nodes(IDLE), waiting, gpus=FreeGpus((), (), known=False))
        assert (placed(made), made.reserve, made.start) == ({"not": ("n0",)}, (), 2)


class TestOutlook:
    def test_who_waits_is_told_for_what(self) -> None:
        states = {IDLE: 1, RUNNING: 2}
        none = FreeGpus((), ())
        shape = cluster(max_nodes=3)
        said = {
            "big": outlook(shape, states, run("big", 3), 0, none).blocker,
            "small": outlook(shape, states, run("small"), 1, none).blocker,
            "last": outlook(shape, states, run("last"), 3000, none).blocker,
            "next": outlook(shape, states, run("next"), 0, none).blocker,
        }
        assert said == {
            "big": "2 of 3 nodes of 'c' are busy (1 of 3 free)",
            "small": "1 run ahead of it on 'c'",
            "last": "3000 runs ahead of it on 'c'",
            "next": None,
        }

    def test_nodes_that_start(self) -> None:
        said = "nodes of 'c' are starting (0 of 1 free)"
        assert outlook(cluster(), {PREPARING: 1, RUNNING: 3}, run("a"), 0, FreeGpus((), ())).blocker == said
        assert outlook(cluster(), {}, run("a"), 0, FreeGpus((), ())).blocker == said

    def test_gpus(self) -> None:
        def said(ahead: int, gpus: FreeGpus, count: int = 1, kind: Gpu = Gpu.REQUIRE) -> str | None:
            return outlook(cluster(), {IDLE: 4}, run("a", count, gpu=kind), ahead, gpus).blocker

        busy = "1 of 1 GPU of this machine is in use (0 of 1 free)"
        assert said(0, FreeGpus(["0"], ["0"])) == busy
        assert said(2, FreeGpus(["0"], ["0"])) == f"2 runs ahead of it on 'c'; {busy}"
        assert said(0, FreeGpus("0123", "012"), 2) == "3 of 4 GPUs of this machine are in use (1 of 2 free)"
        assert said(0, FreeGpus((), ())) == "this machine has no GPU that nvidia-smi names"
        assert (
            said(0, FreeGpus((), (), known=False))
            == "which GPUs this machine has is being asked (nvidia-smi)"
        )
        assert said(0, FreeGpus(["0"], ["0"]), kind=Gpu.AUTO) is None
        assert said(0, FreeGpus(["0"], [])) is None


@given(
    states=st.lists(st.sampled_from(NodeState), max_size=6),
    counts=st.lists(st.tuples(st.integers(1, 6), st.sampled_from(Gpu)), max_size=6),
    minimum=st.integers(0, 6),
    idle=st.floats(0, 1000),
    gpus=st.integers(0, 4),
    held=st.integers(0, 4),
)
def test_whatever_comes_the_limits_hold(
    states: list[NodeState], counts: list[tuple[int, Gpu]], minimum: int, idle: float, gpus: int, held: int
) -> None:
    shape = cluster(min_nodes=minimum, max_nodes=6)
    there = nodes(*states)
    waiting = [run(str(n), count, gpu=kind) for n, (count, kind) in enumerate(counts)]
    devices = [str(number) for number in range(gpus)]
    pool = FreeGpus(devices, devices[:held])
    made = plan(shape, there, waiting, {}, {node.id: idle for node in there}, gpus=pool)
    assert len(there) + made.start <= 6
    usable = sum(state is not LEAVING for state in states)
    assert usable - len(made.leave) >= min(minimum, usable)
    taken = [each.node for _, chosen in made.place for each in chosen]
    assert len(taken) == len(set(taken))
    assert not set(taken) & set(made.leave)
    assert all(there[int(node[1:])].state is IDLE for node in [*taken, *made.leave])
    given = [gpu for _, chosen in made.place for each in chosen for gpu in each.gpus]
    assert len(given) == len(set(given))
    assert not set(given) & set(devices[:held])
    for waits, chosen in made.place:
        assert len(chosen) == waits.node_count
        if waits.gpu is Gpu.NONE:
            assert not any(each.gpus for each in chosen)
        if waits.gpu is Gpu.REQUIRE:
            assert all(each.gpus for each in chosen)


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
