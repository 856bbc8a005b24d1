"""What the nodes of a run tell each other as their ranks start: by their runners and the server."""

from __future__ import annotations

from typing import Any

from faena.script.rpc import RunnerClient

_HELD = 25.0
"""Seconds that the server may hold a question."""
_RUNNER_ANSWERS_WITHIN = 3700.0
"""Seconds: a runner insists where its server is away for a while; when the runner ends, this process does."""


class Exchange:
    """`nodes`: of the run. One alone asks nobody."""

    def __init__(self, socket: str, node: int, nodes: int) -> None:
        self._runner = RunnerClient(socket)
        self._node = node
        self._nodes = nodes
        self._own: dict[str, Any] = {}

    def tell(self, name: str, value: Any) -> None:
        """All other nodes, once they ask. May be repeated."""
        self._own[name] = value
        if self._nodes > 1:
            self._ask("tell_nodes", {"told": {name: value}})

    def heard(self, name: str, nodes: int, wait: float = _HELD) -> list[Any] | None:
        """What each of the first `nodes` nodes has told by that name; None where that is not all there yet."""
        if nodes == 1 and self._node == 0:
            return [self._own[name]] if name in self._own else None
        found = self._ask("ask_nodes", {"wait": wait, "name": name, "nodes": nodes})
        return None if found is None else list(found)

    def _ask(self, verb: str, arguments: dict[str, Any]) -> Any:
        return self._runner.call(verb, arguments, _RUNNER_ANSWERS_WITHIN)
