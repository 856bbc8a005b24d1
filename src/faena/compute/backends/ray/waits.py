"""What a Ray cluster waits for, as its own status tells it. No I/O: what a cluster says may be of any form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faena.compute.backends.ray.offers import amounts

_LONGEST = 300


def waits(answer: Any, seconds: float, bundle: Mapping[str, float]) -> str:
    """`answer`: of `/api/cluster_status`. `seconds`: since the nodes were asked for, each of which is a `bundle`."""
    data = _part(answer, "data")
    if error := _part(data, "autoscalingError"):
        lines = str(error).split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it does not say why")
        return f"Ray's autoscaler fails: {last[:_LONGEST]}"
    status = _part(data, "clusterStatus")
    report = _part(status, "autoscalerReport")
    launching = _count(_part(report, "pendingLaunches"))
    starting = _length(_part(report, "pendingNodes"))
    if launching or starting:
        return f"Ray launches {_nodes(launching + starting)}"
    if isinstance(failed := _part(report, "failedNodes"), list) and failed:
        return f"a node that Ray launched has failed: {str(failed[-1])[:_LONGEST]}"
    asks = amounts(bundle)
    if seconds < _PATIENCE:
        return f"Ray was asked for {asks} a node"
    if status is None:  # the second autoscaler writes nothing there
        return f"Ray was asked for {asks} a node, and does not tell what it does"
    return f"Ray launches nothing: all of its nodes are in use, or none of its node types has {asks}"


_PATIENCE = 15.0


def _part(of: Any, name: str) -> Any:
    return of.get(name) if isinstance(of, dict) else None


def _count(of: Any) -> int:
    if not isinstance(of, dict):
        return 0
    return sum(value for value in of.values() if isinstance(value, int))


def _length(of: Any) -> int:
    return len(of) if isinstance(of, list) else 0


def _nodes(count: int) -> str:
    return "a node" if count == 1 else f"{count} nodes"
