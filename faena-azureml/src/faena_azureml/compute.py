"""v1's ComputeTarget and AmlCompute over a cluster of this machine.

VM sizes, users, networks and identities are accepted and mean nothing: a node is a process of this machine, with its
share of the cores.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self, TypeVar, overload

from faena import Cluster
from faena.client.compute.cluster import AmlComputeStatus
from faena.client.runs.run import Run
from faena.client.workspaces.session import Session
from faena.kernel import ids
from faena.kernel.errors import ComputeTargetException, UserErrorException
from faena_azureml.not_covered import not_covered, refusal
from faena_azureml.provisioning import AmlComputeProvisioningConfiguration

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Described(Protocol[T_co]):
    """What makes a target of a kind of its own."""

    def make_target(self, workspace: Session, name: str) -> T_co: ...


class ScaleSettings:
    """The limits of a cluster: `minimum_node_count`, `maximum_node_count`, `idle_seconds_before_scaledown`."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.minimum_node_count: int = settings["minNodeCount"]
        self.maximum_node_count: int = settings["maxNodeCount"]
        self.idle_seconds_before_scaledown = float(settings["nodeIdleTimeBeforeScaleDown"][2:-1])

    def __repr__(self) -> str:
        return f"ScaleSettings({vars(self)})"


_NAMED: dict[tuple[str, str], ComputeTarget] = {}
"""Targets of other kinds that this process has made, by workspace and name: they are this machine, and kept nowhere."""


class ComputeTarget:
    """ComputeTarget(workspace, name) is the target of that name: an AmlCompute, or what this process made else.

    Raises ComputeTargetException, whose message begins with ComputeTargetNotFound, when there is none.
    """

    type: str

    def __new__(cls, workspace: Session, name: str) -> Self:
        if cls is ComputeTarget and (made := _NAMED.get((workspace.id, name))) is not None:
            return made  # type: ignore[return-value]  # v1 gives the subclass
        return super().__new__(AmlCompute if cls is ComputeTarget else cls)  # type: ignore[return-value]  # v1 gives the subclass

    def __init__(self, workspace: Session, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise UserErrorException(
                f"The name of a compute target is {name!r}. Use text, such as 'cpu-cluster'."
            )
        self.workspace = workspace
        self._cluster = Cluster(workspace, name)

    @overload
    @staticmethod
    def create(
        workspace: Session, name: str, provisioning_configuration: AmlComputeProvisioningConfiguration
    ) -> AmlCompute: ...
    @overload
    @staticmethod
    def create(workspace: Session, name: str, provisioning_configuration: Described[T_co]) -> T_co: ...
    @staticmethod
    def create(workspace: Session, name: str, provisioning_configuration: Any) -> Any:
        """Make a cluster; at once, so that waiting for it ends soon. The same again changes nothing.

        Raises ComputeTargetException for a shape that cannot be, max_nodes left out among them, and for a name that
        is taken by another shape.
        """
        ids.check_cluster_name(name)
        wanted = provisioning_configuration
        if hasattr(wanted, "make_target"):
            return _named(wanted.make_target(workspace, name))
        if not isinstance(wanted, AmlComputeProvisioningConfiguration):
            raise ComputeTargetException(
                f"provisioning_configuration is {type(wanted).__name__}. "
                "Use AmlCompute.provisioning_configuration(...)."
            )
        wanted.validate_configuration()
        assert wanted.max_nodes is not None
        Cluster.create(
            workspace,
            name,
            max_nodes=wanted.max_nodes,
            min_nodes=wanted.min_nodes,
            idle_seconds_before_scaledown=wanted.idle_seconds,
        )
        return AmlCompute(workspace, name)

    @staticmethod
    def list(workspace: Session) -> builtins.list[ComputeTarget]:
        """All targets of the workspace, by name, and those that this process made else."""
        others = [made for (of, _), made in _NAMED.items() if of == workspace.id]
        return [*(AmlCompute(workspace, cluster.name) for cluster in Cluster.list(workspace)), *others]

    @staticmethod
    def attach(workspace: Session, name: str, attach_configuration: Described[T_co]) -> T_co:
        """An AKS cluster, which is this machine. Raises NotCovered for a machine elsewhere."""
        if not hasattr(attach_configuration, "make_target"):
            raise not_covered("azureml.core.compute.RemoteCompute")
        return _named(attach_configuration.make_target(workspace, name))

    @property
    def name(self) -> str:
        return self._cluster.name

    def delete(self) -> None:
        """As its kind does it."""
        raise NotImplementedError


def _named(made: T) -> T:
    if isinstance(made, ComputeTarget):
        _NAMED[made.workspace.id, made.name] = made
    return made


def forget(target: ComputeTarget) -> None:
    """A target of another kind is none any more."""
    _NAMED.pop((target.workspace.id, target.name), None)


class AmlCompute(ComputeTarget):
    """A cluster of this machine whose nodes come when runs wait and leave when they idle.

    `vm_size` and `vm_priority` say what a node is, whatever was asked for: the machine's architecture and its cores,
    and 'Dedicated', since no node is taken from a run.
    """

    type = "AmlCompute"

    provisioning_configuration = AmlComputeProvisioningConfiguration

    @staticmethod
    def supported_vmsizes(workspace: Session, location: str | None = None) -> builtins.list[dict[str, Any]]:
        """One, this machine, in v1's keys."""
        from faena.compute.gpus import gpu_ids  # few ask

        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        return [
            {
                "name": os.uname().machine,
                "vCPUs": cores,
                "gpus": len(gpu_ids()),
                "memoryGB": round(memory, 1),
                "maxResourceVolumeMB": 0,
            }
        ]

    @property
    def status(self) -> AmlComputeStatus:
        return self._cluster.get_status()

    def get_status(self) -> AmlComputeStatus:
        """The nodes as they are now; `serialize()` gives v1's keys."""
        return self._cluster.get_status()

    def refresh_state(self) -> None:
        """Read its state anew."""
        self._cluster.get_status()

    @property
    def provisioning_state(self) -> str:
        """'Succeeded': a cluster of this machine is there once it is made."""
        return self._cluster.provisioning_state

    @property
    def provisioning_errors(self) -> None:
        """None: see `provisioning_state`."""
        return

    @property
    def scale_settings(self) -> ScaleSettings:
        return ScaleSettings(self.status.scale_settings)

    @property
    def vm_size(self) -> str:
        return str(self.status.serialize()["vmSize"])

    @property
    def vm_priority(self) -> str:
        return str(self.status.serialize()["vmPriority"])

    @property
    def id(self) -> str:
        return f"{self.workspace.id}/computes/{self.name}"

    @property
    def location(self) -> str:
        return str(getattr(self.workspace, "location", "local"))

    @property
    def tags(self) -> dict[str, str]:
        return {}

    @property
    def description(self) -> str | None:
        return None

    def wait_for_completion(
        self,
        show_output: bool = False,
        min_node_count: int | None = None,
        timeout_in_minutes: float | None = 20,
        is_delete_operation: bool = False,
    ) -> None:
        """Wait until `min_node_count` nodes (default: the cluster's minimum) are there. Does not raise on timeout."""
        minutes = 20 if timeout_in_minutes is None else timeout_in_minutes
        self._cluster.wait_for_completion(show_output, min_node_count, minutes)

    def update(
        self,
        min_nodes: int | None = None,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: float | None = None,
    ) -> None:
        """Change what is given and leave the rest. Raises ComputeTargetException for limits that cannot be."""
        limits = AmlComputeProvisioningConfiguration(
            min_nodes=0 if min_nodes is None else min_nodes,
            max_nodes=max_nodes,
            idle_seconds_before_scaledown=idle_seconds_before_scaledown,
        )
        self._cluster.update(
            None if min_nodes is None else limits.min_nodes,
            limits.max_nodes,
            limits.idle_seconds_before_scaledown,
        )

    def delete(self) -> None:
        """Let its idle nodes leave, then remove it.

        Raises ComputeTargetException while a run has one of its nodes.
        """
        self._cluster.delete()

    def detach(self) -> None:
        """Raises ComputeTargetException: a cluster is deleted, not detached."""
        raise ComputeTargetException(f"{self.name!r} was made here, not attached. Remove it with delete().")

    def list_nodes(self) -> builtins.list[dict[str, Any]]:
        """One entry for each node, with its state."""
        return [
            {"nodeState": kind.removesuffix("NodeCount")}
            for kind, number in self.status.serialize()["nodeStateCounts"].items()
            for _ in range(number)
        ]

    def get_active_runs(
        self,
        type: str | None = None,  # noqa: A002  v1's word
        tags: Any = None,
        properties: Any = None,
        status: str | None = None,
    ) -> Iterator[Run]:
        """Runs of this cluster that have not ended, newest first; filters as `Run.list`."""
        for run in Run.list_by_compute(self, type, tags, properties, status):
            if run.refresh().ended_at is None:
                yield run

    @staticmethod
    def deserialize(workspace: Session, object_dict: Mapping[str, Any]) -> AmlCompute:
        """The cluster that `serialize` described. Raises ComputeTargetException when it is not there any more."""
        if not isinstance(object_dict, Mapping) or "name" not in object_dict:
            raise ComputeTargetException(
                f"{str(object_dict)[:80]!r} describes no cluster: it has no name. Use what serialize() gives."
            )
        return AmlCompute(workspace, str(object_dict["name"]))

    add_identity = refusal("azureml.core.compute.AmlCompute.add_identity")
    remove_identity = refusal("azureml.core.compute.AmlCompute.remove_identity")
    get_credentials = refusal("azureml.core.compute.AmlCompute.get_credentials")

    @property
    def created_on(self) -> str:
        return str(self.status.serialize()["creationTime"])

    @property
    def modified_on(self) -> str:
        return str(self.status.serialize()["modifiedTime"])

    @property
    def cluster_resource_id(self) -> None:
        """None: no resource of a cloud."""

    @property
    def cluster_location(self) -> str:
        return self.location

    def serialize(self) -> dict[str, Any]:
        """The cluster in v1's keys."""
        status = self.status.serialize()
        inner = {
            "vmSize": status["vmSize"],
            "vmPriority": status["vmPriority"],
            "scaleSettings": status["scaleSettings"],
            "userAccountCredentials": None,
            "subnet": None,
            "remoteLoginPortPublicAccess": "NotSpecified",
        }
        return {
            "id": self.id,
            "name": self.name,
            "location": self.location,
            "tags": self.tags,
            "properties": {
                "description": self.description,
                "resourceId": None,
                "computeType": self.type,
                "computeLocation": self.location,
                "provisioningState": self.provisioning_state,
                "provisioningErrors": self.provisioning_errors,
                "properties": inner,
                "status": status,
            },
        }

    def __repr__(self) -> str:
        return f"AmlCompute(workspace={self.workspace!r}, name={self.name!r})"
