"""RayCluster: nodes that a Ray cluster starts when runs wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec.structs import replace

from faena.client.compute.cluster import Cluster
from faena.client.workspaces.session import Session, api_of
from faena.compute.backends.ray.schemas import AttachRequest, MadeBy, Shape
from faena.kernel.errors import UserErrorException
from faena.script.messages import tell

if TYPE_CHECKING:
    from faena.client.compute.ray_up import RayUp

_DASHBOARD_SECONDS, _END_SECONDS = 180.0, 30.0
"""That a dashboard may take once `ray up` has ended, and to be gone once `ray down` has."""


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

    @classmethod
    def create(  # type: ignore[override]  # a Ray cluster is made of its own configuration
        cls,
        workspace: Session,
        name: str,
        *,
        config: str | Path | Mapping[str, Any],
        ray_command: str = "ray",
        address: str = "",
        token: str | None = None,
        max_nodes: int = 4,
        min_nodes: int = 0,
        idle_seconds_before_scaledown: float = 120,
        cpus_per_node: float = 1,
        gpus_per_node: float = 0,
        memory_per_node: int = 0,
        resources_per_node: Mapping[str, float] | None = None,
        show_output: bool = True,
    ) -> Self:
        """Start a Ray cluster by `ray up`, and attach it. Again: brings it to what `config` says by now.

        `config`: an autoscaler configuration, the file or what is in it. `ray_command`: the `ray` of an environment
        that has Ray, which runs as a child process; what it says is printed. `address`: of the dashboard; default:
        that of the head, port 8265. The others: as for `attach`. `delete(down=True)` ends it by `ray down`.

        Raises ComputeTargetException where `ray up` fails, with its last lines, or nobody answers at the address in
        three minutes; UserErrorException for a configuration that is none, or a program that is not there; and, before
        anything is started, as `attach`.
        """
        from faena.client.compute import ray_up

        api = api_of(workspace).ray
        shape = Shape(cpus_per_node, gpus_per_node, memory_per_node, dict(resources_per_node or {}))
        first = AttachRequest(
            address or "http://head:8265", token, shape, max_nodes, min_nodes, idle_seconds_before_scaledown
        )
        api.check(name, first)
        ray = ray_up.RayUp(ray_up.configuration(config, name), ray_command, tell if show_output else _silent)
        ray.up()
        address = address or ray.head()
        ray_up.await_dashboard(address, _DASHBOARD_SECONDS, ray.config)
        api.attach(name, replace(first, address=address, made_by=MadeBy(str(ray.config), ray.command)))
        return cls(workspace, name)

    def delete(self, *, down: bool = False, show_output: bool = True) -> None:
        """As of every cluster; the Ray cluster stays. `down`: it is ended, too, by `ray down`.

        Raises UserErrorException, before anything is done, where it was not made by `create`; ComputeTargetException
        where `ray down` fails, or Ray still answers half a minute after it: it is deleted here by then.
        """
        ray = self._made_by(tell if show_output else _silent) if down else None
        address = self.address
        super().delete()
        if ray is not None:
            from faena.client.compute import ray_up

            ray.down()
            ray_up.await_end(address, _END_SECONDS, ray.config)

    def _made_by(self, told: Callable[[str], None]) -> RayUp:
        from faena.client.compute import ray_up

        made_by = self._settings.get("made_by")
        if not made_by:
            raise UserErrorException(
                f"The Ray cluster of {self.name!r} was attached, and is ended as it was started. `faena cluster delete "
                f"{self.name}` deletes it here."
            )
        return ray_up.RayUp(Path(made_by["config"]), made_by["command"], told)

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


def _silent(_line: str) -> None:
    """Nobody asked for it."""
