"""What is shown of machines: all of them, as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from faena.compute.leases import Leases
from faena.compute.machines import store
from faena.compute.machines.model import decoded
from faena.compute.machines.schemas import MachineView
from faena.compute.model import ClusterKind, NodeState
from faena.db import Read


def views(
    read: Read, leases: Leases, endpoints: Mapping[str, tuple[str, ...]] = MappingProxyType({})
) -> list[MachineView]:
    """By one statement: there may be thousands, and pages ask again and again.

    `endpoints`: names of those on each machine, by its id.
    """
    alive, quiet = leases.alive(), leases.quiet()
    return [
        _view(row, alive, quiet, endpoints.get(row.id, ()))
        for row in store.shown(read)
        if row.node or row.kind not in _GROWING
    ]


_GROWING = {kind.value for kind in ClusterKind if kind.grows}


def _view(row: store.Shown, alive: set[str], quiet: set[str], endpoints: tuple[str, ...]) -> MachineView:
    told = decoded(row.told)
    return MachineView(
        row.name,
        row.cluster,
        _state(row, alive, quiet),
        told.cores,
        told.gpus,
        told.memory_bytes,
        told.labels,
        told.address,
        told.python,
        told.platform,
        told.version,
        row.joined_at,
        row.heard_at,
        row.run_id,
        row.node,
        endpoints,
    )


def _state(row: store.Shown, alive: set[str], quiet: set[str]) -> str:
    if row.node is None or row.node not in alive:
        return "away"
    if row.node in quiet:
        return "silent"
    if row.node_draining or row.draining:
        return "draining"
    return row.state if row.state in _STATES else NodeState.LEAVING.value


_STATES = {state.value for state in NodeState}
"""Whatever else a row says, its node gets no more work."""
