"""What a runner answers the launcher of its node's ranks: it asks the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.attempts.outputs import insist


def verbs(api: ServerApi, key: AttemptKey) -> dict[str, Callable[[dict[str, Any]], Any]]:
    def tell_nodes(arguments: dict[str, Any]) -> None:
        insist(lambda: api.call("PUT", f"{key.path}/launch", {"told": arguments["told"]}))

    def ask_nodes(arguments: dict[str, Any]) -> Any:
        name, nodes, wait = quote(str(arguments["name"])), int(arguments["nodes"]), float(arguments["wait"])
        return api.call("GET", f"{key.path}/launch?name={name}&nodes={nodes}&wait={wait:g}")["told"]

    return {"tell_nodes": tell_nodes, "ask_nodes": ask_nodes}
