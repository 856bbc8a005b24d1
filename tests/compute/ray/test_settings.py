"""What a Ray cluster can be attached by, and what its status means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faena.compute.backends.ray.schemas import AttachRequest, Shape
from faena.compute.backends.ray.settings import RaySettings, checked
from faena.compute.backends.ray.waits import waits
from faena.compute.model import Cluster, ClusterKind
from faena.kernel.errors import ComputeTargetException


def test_an_address_without_a_scheme_is_one_of_http() -> None:
    assert checked("big", AttachRequest("head:8265/")).address == "http://head:8265"


@pytest.mark.parametrize(
    "address", ["", "ray://head:10001", "http://", "http://x:99999", "http://a:b@h", "http://h?x=1", "h\th"]
)
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(ComputeTargetException, match="no address of a Ray cluster"):
        checked("big", AttachRequest(address))


@pytest.mark.parametrize(
    ("shape", "named"),
    [
        (Shape(cpus=-1), "cpus_per_node"),
        (Shape(cpus=float("nan")), "cpus_per_node"),
        (Shape(cpus=0), "cpus_per_node"),
        (Shape(gpus=1.5), "gpus_per_node"),
        (Shape(memory_bytes=-1), "memory_per_node"),
        (Shape(resources={"CPU": 1}), "resources_per_node"),
        (Shape(resources={"a b": 1}), "resources_per_node"),
        (Shape(resources={"tpu": float("inf")}), "resources_per_node"),
        (Shape(resources={f"r{number}": 1 for number in range(21)}), "resources_per_node"),
    ],
)
def test_what_no_node_can_ask_for_is_named(shape: Shape, named: str) -> None:
    with pytest.raises(ComputeTargetException, match=named):
        checked("big", AttachRequest("http://head:8265", shape=shape))


def test_a_node_asks_for_what_its_shape_says() -> None:
    made = checked("big", AttachRequest("h:1", shape=Shape(2.5, 0.5, 1 << 30, {"tpu": 1})))
    assert made.bundle == {"CPU": 2.5, "GPU": 0.5, "memory": float(1 << 30), "tpu": 1}
    assert made.cores == 2
    assert RaySettings.of(cluster(made.text)) == made


def test_settings_that_are_damaged_are_named() -> None:
    with pytest.raises(ComputeTargetException, match="attach-ray"):
        RaySettings.of(cluster("{"))


def cluster(settings: str) -> Cluster:
    return Cluster("big", 0, 4, 60.0, 1, 0, 0, ClusterKind.RAY, settings)


def status(**report: Any) -> Any:
    return {"data": {"clusterStatus": {"autoscalerReport": report}, "autoscalingError": None}}


@pytest.mark.parametrize(
    ("answer", "seconds", "said"),
    [
        (status(pendingLaunches={"worker": 2}), 1, "launches 2 nodes"),
        (status(pendingNodes=[["id", "worker", "uninitialized"]]), 1, "launches a node"),
        (status(), 1, "was asked for CPU 1"),
        (status(), 60, "none of its node types has CPU 1"),
        (status(failedNodes=[["10.0.0.7", "worker"]]), 1, "10.0.0.7"),
        ({"data": {"autoscalingError": "Traceback\nKeyError: 'x'\n"}}, 1, "KeyError: 'x'"),
        ({"data": {"clusterStatus": None}}, 1, "was asked for CPU 1"),
        ({"data": {"clusterStatus": None}}, 60, "was asked for CPU 1 a node, and does not tell what it does"),
    ],
)
def test_what_ray_waits_for_is_said(answer: Any, seconds: float, said: str) -> None:
    assert said in waits(answer, seconds, {"CPU": 1.0})


_ANY = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(_ANY, _ANY, _ANY)
@pytest.mark.long
def test_whatever_a_cluster_answers_something_is_said(one: Any, other: Any, third: Any) -> None:
    report = {"pendingLaunches": one, "pendingNodes": other, "failedNodes": third}
    for answer in (one, {"data": other}, {"data": {"autoscalingError": one}}, status(**report)):
        assert isinstance(waits(answer, 1.0, {}), str)
