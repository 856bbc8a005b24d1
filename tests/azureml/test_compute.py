"""v1's compute targets over a cluster of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azureml.core import ComputeTarget, Workspace
from azureml.core.compute import AmlCompute
from azureml.core.compute_target import ComputeTargetException
from azureml.exceptions import UserErrorException

from faena_azureml import NotCovered

V1_KEYS = (
    "currentNodeCount targetNodeCount nodeStateCounts allocationState allocationStateTransitionTime errors "
    "creationTime modifiedTime provisioningState provisioningStateTransitionTime scaleSettings vmPriority vmSize"
)


@pytest.fixture
def shared(lasting_ws: Workspace) -> Iterator[Workspace]:
    """The module's workspace, left without a cluster."""
    yield lasting_ws
    for target in lasting_ws.compute_targets.values():
        target.delete()


def create(ws: Workspace, name: str = "gpu-cluster", **shape: Any) -> AmlCompute:
    config = AmlCompute.provisioning_configuration(vm_size="STANDARD_NC6", **{"max_nodes": 1, **shape})
    return ComputeTarget.create(ws, name, config)


def test_create_or_get_as_notebooks_write_it(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        target = ComputeTarget(workspace=ws, name="gpu-cluster")
        raise AssertionError("there is one already")
    except ComputeTargetException as error:
        assert error.message.startswith("ComputeTargetNotFound: ")
        assert "Compute Target with name gpu-cluster not found in provided workspace" in error.message
        target = create(ws, min_nodes=0, max_nodes=4)
        target.wait_for_completion(show_output=True, min_node_count=None, timeout_in_minutes=20)
    out = capsys.readouterr().out
    assert "AmlCompute wait for completion finished" in out
    assert "Minimum number of nodes requested have been provisioned" in out

    again = ComputeTarget(ws, "gpu-cluster")
    assert type(again) is AmlCompute
    assert type(ws.compute_targets["gpu-cluster"]) is AmlCompute
    assert [found.name for found in ComputeTarget.list(ws)] == ["gpu-cluster"]
    assert (again.type, again.provisioning_state, again.provisioning_errors) == (
        "AmlCompute",
        "Succeeded",
        None,
    )


def test_its_status_has_v1s_keys_in_v1s_order(shared: Workspace) -> None:
    target = create(shared, max_nodes=2)
    status = target.get_status().serialize()
    assert list(status) == V1_KEYS.split()
    assert target.serialize()["properties"]["status"] == status
    assert target.serialize()["properties"]["computeType"] == "AmlCompute"
    assert target.scale_settings.maximum_node_count == 2
    assert target.scale_settings.idle_seconds_before_scaledown == 120
    target.update(max_nodes=3, idle_seconds_before_scaledown=5)
    assert target.scale_settings.maximum_node_count == 3
    assert AmlCompute.supported_vmsizes(workspace=shared)[0]["vCPUs"] >= 1


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ({"max_nodes": None}, "max nodes count is mandatory"),
        ({"max_nodes": "four"}, "max_nodes is 'four'"),
        ({"max_nodes": 4.5}, "max_nodes is 4.5"),
        ({"max_nodes": "9" * 5000}, "max_nodes is "),
        ({"max_nodes": True}, "max_nodes is True"),
        ({"min_nodes": 2}, "min_nodes is 2"),
        ({"max_nodes": 0}, "max_nodes"),
        ({"min_nodes": -1}, "min_nodes"),
        ({"idle_seconds_before_scaledown": "soon"}, "'soon'"),
        ({"idle_seconds_before_scaledown": -1}, "idle_seconds"),
        ({"idle_seconds_before_scaledown": float("nan")}, "idle_seconds"),
    ],
)
def test_a_shape_that_cannot_be(shared: Workspace, shape: dict[str, Any], told: str) -> None:
    with pytest.raises(ComputeTargetException, match=told):
        create(shared, **shape)
    assert shared.compute_targets == {}


@pytest.mark.parametrize("bad", ["", "a/b", "../x", None, 3, "é"])
def test_a_name_that_cannot_be(shared: Workspace, bad: Any) -> None:
    with pytest.raises((UserErrorException, ComputeTargetException)):
        create(shared, bad)
    with pytest.raises((UserErrorException, ComputeTargetException)):
        ComputeTarget(shared, bad)


def test_numbers_as_text_as_notebooks_write_them(shared: Workspace) -> None:
    target = create(shared, max_nodes="2", idle_seconds_before_scaledown="300")
    assert target.scale_settings.maximum_node_count == 2
    assert target.scale_settings.idle_seconds_before_scaledown == 300


def test_something_else_than_a_configuration(shared: Workspace) -> None:
    with pytest.raises(ComputeTargetException, match=r"AmlCompute\.provisioning_configuration"):
        ComputeTarget.create(shared, "cpu", {"max_nodes": 4})  # type: ignore[call-overload]  # a user's mistake


@pytest.mark.long
def test_deleting_one_whose_nodes_idle(ws: Workspace) -> None:
    target = create(ws, min_nodes=1)
    target.wait_for_completion()
    assert target.list_nodes()
    target.delete()
    assert ws.compute_targets == {}


def test_what_only_the_cloud_has(shared: Workspace) -> None:
    target = create(shared)
    with pytest.raises(ComputeTargetException, match=r"delete\(\)"):
        target.detach()
    with pytest.raises(NotCovered, match="attaching a remote machine"):
        ComputeTarget.attach(shared, "vm", None)  # type: ignore[arg-type]  # what is refused


@pytest.mark.parametrize("given", ["dedicated", "lowpriority", "LowPriority", "low_priority"])
def test_whatever_priority_was_asked_for_a_node_here_is_dedicated(shared: Workspace, given: str) -> None:
    """As `preemptedNodeCount`, which stays 0, says: no node is taken from a run."""
    asked = AmlCompute.provisioning_configuration(max_nodes=1, vm_priority=given)
    assert asked.vm_priority == given
    target = ComputeTarget.create(shared, f"asked-{given.replace('_', '-')}", asked)
    assert target.vm_priority == target.get_status().serialize()["vmPriority"] == "Dedicated"


@pytest.mark.parametrize("given", ["spot", "high", 3, "x" * 10_000])
def test_a_priority_that_v1_does_not_have_is_refused(given: Any) -> None:
    with pytest.raises(ComputeTargetException, match="Use 'dedicated' or 'lowpriority'") as refused:
        AmlCompute.provisioning_configuration(max_nodes=1, vm_priority=given)
    assert len(refused.value.message) < 200
