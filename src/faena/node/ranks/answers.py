"""What a runner answers the launcher of its node's ranks, and what it asks the server about the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.attempts.outputs import insist
from faena.kernel.errors import FaenaError
from faena.kernel.transport import segment

_CANCEL_REQUESTED = "CancelRequested"


def verbs(api: ServerApi, key: AttemptKey) -> dict[str, Callable[[dict[str, Any]], Any]]:
    def tell_nodes(arguments: dict[str, Any]) -> None:
        insist(lambda: api.call("PUT", f"{key.path}/launch", {"told": arguments["told"]}))

    def ask_nodes(arguments: dict[str, Any]) -> Any:
        name, nodes, wait = quote(str(arguments["name"])), int(arguments["nodes"]), float(arguments["wait"])
        return api.call("GET", f"{key.path}/launch?name={name}&nodes={nodes}&wait={wait:g}")["told"]

    return {"tell_nodes": tell_nodes, "ask_nodes": ask_nodes}


def has_failed_elsewhere(order: Mapping[str, Any], api: ServerApi) -> bool:
    """Whether the ranks here, which are to stop, are for one of another node: nobody has canceled the run."""
    if not order.get("distributed") or order["node_count"] == 1:
        return False
    try:
        return bool(api.call("GET", f"/runs/{segment(order['run_id'])}")["status"] != _CANCEL_REQUESTED)
    except FaenaError:
        return False
