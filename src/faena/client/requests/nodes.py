"""Typed requests about machines that join clusters."""

from __future__ import annotations

import msgspec

from faena.client.wire import encode
from faena.compute.machines.schemas import (
    JoinTokenRequest,
    JoinTokenView,
    ListenerRequest,
    ListenerView,
    MachineView,
)
from faena.kernel.run_requests import query
from faena.kernel.transport import Transport, segment


class NodeApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def listen(self, asked: ListenerRequest) -> ListenerView:
        """Have the server listen for nodes at an address of its host, now and after its next start."""
        answer = self._transport.request("POST", "/nodes/listener", encode(asked))
        return msgspec.json.decode(answer.data, type=ListenerView)

    def listen_no_more(self) -> None:
        self._transport.request("DELETE", "/nodes/listener")

    def token(self, asked: JoinTokenRequest) -> JoinTokenView:
        """A new token by which machines join a cluster."""
        answer = self._transport.request("POST", "/nodes/tokens", encode(asked))
        return msgspec.json.decode(answer.data, type=JoinTokenView)

    def list(self) -> list[MachineView]:
        """Machines that have joined, by cluster and name."""
        return msgspec.json.decode(self._transport.request("GET", "/nodes").data, type=list[MachineView])

    def drain(self, name: str, cluster: str | None = None) -> None:
        """`cluster`: where several have a machine of that name."""
        self._transport.request("POST", f"/nodes/machines/{segment(name)}/drain{query(cluster=cluster)}")

    def remove(self, name: str, cluster: str | None = None) -> None:
        """`cluster`: likewise."""
        self._transport.request("DELETE", f"/nodes/machines/{segment(name)}{query(cluster=cluster)}")
