"""Nodes are runners on machines that joined; one lives as long as its lease."""

from __future__ import annotations

from collections.abc import Sequence

from faena.compute.leases import Leases


class JoinedBackend:
    """Fulfils `faena.compute.contract.Backend`, as far as somebody elsewhere starts the nodes."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def start(self, node: str) -> int | None:
        raise OSError(f"{node} is started on its own machine, by `faena node join`")

    def alive(self) -> set[str]:
        return self._leases.alive()

    def tend(self, name: str, arguments: Sequence[str]) -> None:
        """What is left on a machine is shipped by the next runner there."""

    def forget(self, node: str) -> None:
        self._leases.forget(node)
