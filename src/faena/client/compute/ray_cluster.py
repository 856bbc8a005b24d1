"""RayCluster: nodes that a Ray cluster starts when runs wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import msgspec

from faena.client.compute.cluster import Cluster
from faena.client.workspaces.session import Session, api_of
from faena.compute.backends.ray.schemas import AttachRequest, Shape


class RayCluster(Cluster):
    """A cluster whose nodes are runners that Ray starts, as many as runs want, and that leave when they idle."""

    @classmethod
    def attach(
        cls,
        workspace: Session,
        name: str,
        *,
        address: str,
        token: str | None = None,
        max_nodes: int = 4,
        min_nodes: int = 0,
        idle_seconds_before_scaledown: float = 120,
        cpus_per_node: float = 1,
        gpus_per_node: float = 0,
        memory_per_node: int = 0,
        resources_per_node: Mapping[str, float] | None = None,
    ) -> Self:
        """Attach the Ray cluster whose dashboard is at `address`, such as `http://head:8265`; again: change how.

        `token`: of the Ray cluster, where it asks for one; the server keeps it encrypted. None: the one that it has.
        Each node asks Ray for so many CPUs and GPUs (0.5 is a part of one), bytes of memory (0: as there is) and
        resources of the cluster's own.

        Raises ComputeTargetException where no Ray cluster answers, or it refuses the token; Conflict while the server
        listens for no nodes: `faena node open`.
        """
        shape = Shape(cpus_per_node, gpus_per_node, memory_per_node, dict(resources_per_node or {}))
        asked = AttachRequest(address, token, shape, max_nodes, min_nodes, idle_seconds_before_scaledown)
        api_of(workspace).ray.attach(name, asked)
        return cls(workspace, name)

    @property
    def address(self) -> str:
        """Of the Ray cluster's dashboard."""
        return str(self._settings.get("address", ""))

    @property
    def waits_for(self) -> str:
        """What Ray waits for, as it says itself; empty: nothing that is known."""
        return self.workspace.api.cluster(self.name).waits

    @property
    def _settings(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self._view.settings or "{}")
        return found
