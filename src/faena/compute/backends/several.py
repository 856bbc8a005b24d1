"""The nodes of all clusters, whoever starts them."""

from __future__ import annotations

from collections.abc import Sequence

from faena.compute.contract import Backend


class Backends:
    """Fulfils `faena.compute.contract.Backend`: `local` starts nodes and tends what is left on the server's host."""

    def __init__(self, local: Backend, elsewhere: Backend) -> None:
        self._local = local
        self._elsewhere = elsewhere

    def start(self, node: str) -> int | None:
        return self._local.start(node)

    def alive(self) -> set[str]:
        return self._local.alive() | self._elsewhere.alive()

    def tend(self, name: str, arguments: Sequence[str]) -> None:
        self._local.tend(name, arguments)

    def forget(self, node: str) -> None:
        self._local.forget(node)
        self._elsewhere.forget(node)
