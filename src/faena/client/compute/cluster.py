"""Cluster: nodes that come when runs wait and leave when they idle (v1's AmlCompute)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import msgspec

from faena.client.html import tables
from faena.client.workspaces import links
from faena.client.workspaces.session import Session, api_of
from faena.compute.schemas import ClusterRequest, ClusterStatus
from faena.kernel.errors import ComputeTargetException
from faena.script.messages import tell, warn_once

if TYPE_CHECKING:
    from faena.runs.waiting_line.schemas import Queue

_MOST = 4
_POLL = 0.1
_LEAVING = 60.0
"""Seconds that idle nodes may take to leave."""


class Cluster:
    """A cluster that is there already. Raises ComputeTargetException when there is none of that name."""

    type = "AmlCompute"

    def __init__(self, workspace: Session, name: str) -> None:
        self.workspace = workspace
        self._view = api_of(workspace).cluster(name)

    @classmethod
    def create(
        cls,
        workspace: Session,
        name: str,
        *,
        max_nodes: int = _MOST,
        min_nodes: int = 0,
        idle_seconds_before_scaledown: float = 120,
        cores_per_node: int | None = None,
    ) -> Self:
        """Make a cluster; making it again in the same shape changes nothing.

        `cores_per_node` sets the threads of OpenMP, OpenBLAS and MKL in the scripts; default: the cores of the
        machine, shared by the nodes that run at once, so that a script that runs alone has all.

        Raises ComputeTargetException when the name is taken by another shape.
        """
        request = ClusterRequest(max_nodes, min_nodes, idle_seconds_before_scaledown, cores_per_node)
        api_of(workspace).create_cluster(name, request)
        return cls(workspace, name)

    @classmethod
    def get_or_create(
        cls,
        workspace: Session,
        name: str,
        *,
        max_nodes: int = _MOST,
        min_nodes: int = 0,
        idle_seconds_before_scaledown: float = 120,
        cores_per_node: int | None = None,
    ) -> Self:
        """The cluster of that name as it is, with a warning where it is no such one; else a new one of this shape."""
        try:
            found = cls(workspace, name)
            found._warn_of_others(max_nodes, min_nodes)
            return found
        except ComputeTargetException as error:
            if "ComputeTargetNotFound" not in error.message:
                raise
        return cls.create(
            workspace,
            name,
            max_nodes=max_nodes,
            min_nodes=min_nodes,
            idle_seconds_before_scaledown=idle_seconds_before_scaledown,
            cores_per_node=cores_per_node,
        )

    def _warn_of_others(self, max_nodes: int, min_nodes: int) -> None:
        """Somebody wants so many, and did not get them; what is the default means that nobody has said anything."""
        scale = self._view.status.scale_settings
        asked = {
            "max_nodes": (max_nodes, scale.max_node_count, _MOST),
            "min_nodes": (min_nodes, scale.min_node_count, 0),
        }
        for setting, (wanted, there, default) in asked.items():
            if wanted not in (default, there):
                warn_once(
                    f"faena: the cluster {self.name!r} is there already and keeps {setting}={there}; "
                    f"cluster.update({setting}={wanted}) changes it."
                )

    @classmethod
    def list(cls, workspace: Session) -> list[Cluster]:
        return [Cluster(workspace, view.name) for view in api_of(workspace).clusters()]

    @property
    def name(self) -> str:
        return self._view.name

    @property
    def cores_per_node(self) -> int:
        """The least that each of its nodes gets."""
        return self._view.cores_per_node

    @property
    def provisioning_state(self) -> str:
        return self._view.status.provisioning_state

    def get_status(self) -> AmlComputeStatus:
        """The nodes as they are now."""
        self._view = self.workspace.api.cluster(self.name)
        return AmlComputeStatus(self._view.status)

    def wait_for_completion(
        self,
        show_output: bool = False,
        min_node_count: int | None = None,
        timeout_in_minutes: float = 20,
    ) -> None:
        """Wait until `min_node_count` nodes (default: the cluster's minimum) are there. Does not raise on timeout."""
        until = time.monotonic() + 60 * timeout_in_minutes
        wanted = self._view.status.scale_settings.min_node_count if min_node_count is None else min_node_count
        shown = None
        while (found := self.get_status().current_node_count) < wanted and time.monotonic() < until:
            if show_output and found != shown:
                tell(f"Waiting for cluster to scale. {found} out of {wanted} nodes ready.")
                shown = found
            time.sleep(_POLL)
        if show_output:
            met = "Minimum number of nodes requested have been provisioned"
            tell(f"{self.provisioning_state}\nAmlCompute wait for completion finished")
            tell(met if found >= wanted else "Wait timeout has been reached")

    def get_queue(self, most: int = 50) -> Queue:
        """Who waits for its nodes, in turn (the first `most` of them, 500 at most), and when each may start.

        `may_start_at`, microseconds since the epoch, is told by how long the latest 20 completed runs of the same
        experiments took on this cluster; None where they do not tell.
        """
        return api_of(self.workspace).queue(self.name, most)

    def update(
        self,
        min_nodes: int | None = None,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: float | None = None,
    ) -> None:
        """Change what is given and leave the rest."""
        scale = self.get_status().scale_settings
        request = ClusterRequest(
            max_nodes=scale["maxNodeCount"] if max_nodes is None else max_nodes,
            min_nodes=scale["minNodeCount"] if min_nodes is None else min_nodes,
            idle_seconds_before_scaledown=(
                float(scale["nodeIdleTimeBeforeScaleDown"][2:-1])
                if idle_seconds_before_scaledown is None
                else idle_seconds_before_scaledown
            ),
            cores_per_node=None if self._view.shares_cores else self.cores_per_node,
        )
        self._view = self.workspace.api.update_cluster(self.name, request)

    def delete(self) -> None:
        """Let its idle nodes leave, then remove it. Raises ComputeTargetException while a run has one of its nodes."""
        if not self._node_counts()["runningNodeCount"]:
            self.update(min_nodes=0, idle_seconds_before_scaledown=0)
        until = time.monotonic() + _LEAVING
        while self._idles() and time.monotonic() < until:
            time.sleep(_POLL)
        self.workspace.api.delete_cluster(self.name)

    def _idles(self) -> bool:
        """Whether it has nodes, and none of them has a run."""
        counts = self._node_counts()
        return counts["runningNodeCount"] == 0 and any(counts.values())

    def _node_counts(self) -> dict[str, int]:
        found: dict[str, int] = self.get_status().serialize()["nodeStateCounts"]
        return found

    @tables.for_people
    def _repr_html_(self) -> str:
        """For a notebook's output, as it is now."""
        view = self.workspace.api.cluster(self.name)
        status, counts = view.status, view.status.node_state_counts
        return tables.facts(
            {
                "Cluster": view.name,
                "State": status.allocation_state,
                "Nodes": f"{status.current_node_count} of {status.scale_settings.max_node_count}",
                "Running": counts.running_node_count,
                "Idle": counts.idle_node_count,
                "Cores a node": view.cores_per_node,
                "Page": tables.link(links.Pages(self.workspace).address("clusters")),
            }
        )

    def __repr__(self) -> str:
        return f"Cluster(workspace={self.workspace!r}, name={self.name!r})"


class AmlComputeStatus:
    """The state of a cluster; `serialize()` has v1's keys in v1's order."""

    def __init__(self, status: ClusterStatus) -> None:
        self._status = status
        self.current_node_count = status.current_node_count
        self.target_node_count = status.target_node_count
        self.allocation_state = status.allocation_state
        self.provisioning_state = status.provisioning_state
        self.errors = status.errors

    @property
    def scale_settings(self) -> dict[str, Any]:
        found: dict[str, Any] = self.serialize()["scaleSettings"]
        return found

    def serialize(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(self._status)
        return found

    def __repr__(self) -> str:
        return f"AmlComputeStatus({self.serialize()})"
