"""What a Ray cluster can never have, by its node types and the nodes that are there; and what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.compute.backends.ray.offers import capacity, refusal
from faena.compute.backends.ray.refusing import refuse_what_cannot_be
from faena.compute.backends.ray.schemas import LiveNodes, NodeType, Offer, Shape
from faena.compute.backends.ray.settings import RaySettings
from faena.compute.model import Cluster, ClusterKind
from faena.kernel.errors import ExperimentExecutionException

HEAD = NodeType("head", {"CPU": 0.0}, 1, head=True)
SMALL = NodeType("small", {"CPU": 1.0}, 4)
BIG = NodeType("big", {"CPU": 8.0, "GPU": 2.0, "memory": 16.0 * (1 << 30), "tpu": 1.0}, 2)
ELASTIC = Offer(True, (HEAD, SMALL, BIG), most=5)
STATIC = Offer(False, nodes=(LiveNodes({"CPU": 4.0, "memory": 1e9}, 3),))


@pytest.mark.parametrize(
    ("bundle", "most"),
    [
        ({"CPU": 1.0}, 2 * 8 + 3),
        ({"CPU": 2.0}, 8),
        ({"CPU": 9.0}, 0),
        ({"CPU": 1.0, "GPU": 0.5}, 8),
        ({"GPU": 3.0}, 0),
        ({"CPU": 1.0, "tpu": 1.0}, 2),
        ({"memory": 8.0 * (1 << 30)}, 4),
        ({"other": 0.1}, 0),
        ({"CPU": 0.1}, 2 * 80 + 30),
    ],
)
def test_types_have_room_for_so_many(bundle: dict[str, float], most: int) -> None:
    assert capacity(ELASTIC, bundle) == most


def test_of_a_cluster_that_does_not_grow_what_is_there_counts() -> None:
    assert capacity(STATIC, {"CPU": 2.0}) == 6
    assert capacity(STATIC, {"memory": 6e8}) == 3
    assert capacity(Offer(False), {"CPU": 1.0}) == 0


def test_nodes_of_a_type_that_are_there_count_once_and_as_what_they_have() -> None:
    """Ray finds their memory when they start, of which the type said nothing."""
    there = LiveNodes({"CPU": 1.0, "memory": 2e9}, 3)
    grown = Offer(True, (HEAD, SMALL), 4, (LiveNodes({"memory": 9e9}, 1), there))
    assert capacity(grown, {"CPU": 1.0}) == 4
    assert capacity(grown, {"CPU": 1.0, "memory": 1e9}) == 3
    assert capacity(Offer(True, (HEAD, SMALL), 4), {"CPU": 1.0, "memory": 1e9}) == 0


def test_nodes_that_somebody_started_beside_count_too() -> None:
    odd = Offer(True, (HEAD, SMALL), 4, (LiveNodes({"CPU": 3.0}, 1),))
    assert capacity(odd, {"CPU": 1.0}) == 4 + 3
    assert capacity(odd, {"CPU": 3.0}) == 1


@pytest.mark.parametrize(
    ("offer", "bundle"),
    [
        (Offer(), {"CPU": 99.0}),
        (Offer(True, (HEAD, NodeType("local.cluster.node"))), {"CPU": 99.0}),
        (ELASTIC, {"CPU": 1.0, "node:10.0.0.7": 0.1}),
        (ELASTIC, {"CPU": 1.0, "accelerator_type:T4": 0.1}),
    ],
)
def test_what_is_not_known_refuses_nobody(offer: Offer, bundle: dict[str, float]) -> None:
    assert capacity(offer, bundle) is None
    assert refusal(offer, bundle, 1000) == ""


def test_a_type_without_an_end_has_room_for_all() -> None:
    assert refusal(Offer(True, (NodeType("small", {"CPU": 1.0}),)), {"CPU": 1.0}, 10_000) == ""


def cluster(offer: Offer | None, shape: Shape) -> Cluster:
    settings = RaySettings("http://head:8265", shape, offer)
    return Cluster("big", 0, 100, 60.0, 1, 0, 0, ClusterKind.RAY, settings.text)


def test_a_refusal_names_what_was_asked_what_there_is_and_what_to_do() -> None:
    with pytest.raises(ExperimentExecutionException) as found:
        refuse_what_cannot_be(cluster(ELASTIC, Shape(64, memory_bytes=1 << 30)), 1, needs_gpus=False)
    assert "no node type of its Ray cluster has CPU 64, memory 1 GiB" in found.value.message
    assert "small has CPU 1 (up to 4 nodes)" in found.value.message
    assert "Attach it again" in found.value.message
    with pytest.raises(ExperimentExecutionException) as found:
        refuse_what_cannot_be(cluster(ELASTIC, Shape(2)), 9, needs_gpus=False)
    assert "can have 8 nodes with CPU 2 at most" in found.value.message
    assert "node_count is 9: ask for fewer nodes" in found.value.message
    refuse_what_cannot_be(cluster(ELASTIC, Shape(2)), 8, needs_gpus=False)
    refuse_what_cannot_be(cluster(None, Shape(64)), 8, needs_gpus=False)


_AMOUNTS = st.dictionaries(st.sampled_from(["CPU", "GPU", "tpu"]), st.integers(0, 4).map(float))
_BUNDLES = st.dictionaries(st.sampled_from(["CPU", "GPU"]), st.sampled_from([0.5, 1.0, 2.0]), min_size=1)
_TYPES = st.builds(NodeType, st.just("t"), _AMOUNTS, st.integers(-1, 3), st.booleans())
_LIVE = st.builds(LiveNodes, _AMOUNTS, st.integers(1, 3))
_OFFERS = st.builds(
    Offer, st.none() | st.booleans(), st.lists(_TYPES, max_size=3).map(tuple), st.integers(-1, 4),
    st.lists(_LIVE, max_size=3).map(tuple),
)  # fmt: skip


@pytest.mark.long
@given(_OFFERS, _BUNDLES)
def test_nobody_who_has_room_is_refused(offer: Offer, bundle: dict[str, float]) -> None:
    """What is there now has room for what fits in it, whatever the types say."""
    most = capacity(offer, bundle)
    if most is not None and offer.most < 0:
        here = sum(
            live.count * int(min(live.resources.get(name, 0.0) / amount for name, amount in bundle.items()))
            for live in offer.nodes
        )
        assert most >= here
