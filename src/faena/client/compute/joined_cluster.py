"""JoinedCluster: nodes that are other machines, which join it."""

from __future__ import annotations

import builtins
from typing import Any, Self

from faena.client.compute.cluster import Cluster
from faena.client.workspaces.session import Session, api_of
from faena.compute.kinds import ClusterKind
from faena.compute.machines.schemas import JoinTokenRequest, JoinTokenView, MachineView
from faena.compute.schemas import ClusterRequest


class JoinedCluster(Cluster):
    """A cluster of machines that have joined it, by `faena node join`. Neither grows nor shrinks by itself."""

    @classmethod
    def create(
        cls,
        workspace: Session,
        name: str,
        *,
        max_nodes: int = 100,
        cores_per_node: int | None = None,
        **_: Any,
    ) -> Self:
        """Make a cluster that up to `max_nodes` machines can join; making it again in the same shape changes nothing.

        `cores_per_node`: the most threads that a script gets on a machine; default: all that it brings.

        Raises ComputeTargetException when the name is taken by another shape.
        """
        request = ClusterRequest(max_nodes, 0, 0, cores_per_node, ClusterKind.JOINED)
        api_of(workspace).create_cluster(name, request)
        return cls(workspace, name)

    def join_token(self, days: float = 1.0) -> JoinTokenView:
        """A new token by which machines join, for so many days, and the address where they do. It is shown once.

        Raises Conflict while the server listens for no nodes.
        """
        return api_of(self.workspace).nodes.token(JoinTokenRequest(self.name, days))

    def nodes(self) -> builtins.list[MachineView]:
        """The machines that have joined it, by name."""
        return [each for each in api_of(self.workspace).nodes.list() if each.cluster == self.name]
