"""What a bridge says of runners, and what is made of it."""

from __future__ import annotations

from faena.compute.backends.ray.keeper import why_it_ended
from faena.compute.backends.ray.schemas import NodeReport
from faena.compute.backends.ray.service import ends
from faena.compute.gangs import Place
from faena.compute.model import Node, NodeState


def node(rank: int, address: str = "") -> Node:
    place = Place("g", rank, 2).text
    return Node(
        f"n{rank}", "big", NodeState.PREPARING, None, 0, machine=f"m{rank}", gang=place, address=address
    )


def test_a_runner_that_never_joined_has_failed_and_says_why() -> None:
    found = ends([node(0), node(1)], [NodeReport("g", 0, "ended", "no way"), NodeReport("g", 1, "gone")])
    assert found.failed == {"n0": "no way", "n1": "it left before it joined"}
    assert not found.left


def test_a_node_whose_runner_is_known_to_have_ended_is_free_at_once() -> None:
    assert ends([node(0, "10.0.0.7")], [NodeReport("g", 0, "ended")]).left == ("n0",)


def test_a_node_that_ray_has_lost_keeps_its_lease() -> None:
    found = ends([node(0, "10.0.0.7")], [NodeReport("g", 0, "gone", "its node has died")])
    assert (found.left, found.failed) == ((), {})


def test_what_starts_is_told_and_what_nobody_knows_is_passed_over() -> None:
    assert ends([node(0)], [NodeReport("g", 0, "running")]).starts
    assert not ends([node(0, "10.0.0.7")], [NodeReport("g", 0, "running")]).starts
    assert ends([node(0)], [NodeReport("other", 0, "ended"), NodeReport("g", 7, "ended")]).failed == {}


def test_a_job_that_another_python_than_ray_s_began_says_what_to_do() -> None:
    how = "Job entrypoint command failed with exit code 1"
    told = why_it_ended(f"{how}, last available logs:\nModuleNotFoundError: No module named 'ray'\n")
    assert told.startswith(f"{how}: ModuleNotFoundError") and "start Ray with its own first" in told
    assert why_it_ended(f"{how}, last available logs:\nKeyError: 1\n") == f"{how}: KeyError: 1"
