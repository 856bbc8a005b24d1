"""Typed requests about clusters on Ray."""

from __future__ import annotations

import msgspec

from faena.client.wire import encode
from faena.compute.backends.ray.schemas import AttachRequest
from faena.compute.schemas import ClusterView
from faena.kernel.transport import Transport, segment

_PATIENCE = 30.0
"""Seconds: the server asks the Ray cluster first."""


class RayApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def attach(self, name: str, asked: AttachRequest) -> ClusterView:
        answer = self._transport.request("PUT", f"/ray/{segment(name)}", encode(asked), timeout=_PATIENCE)
        return msgspec.json.decode(answer.data, type=ClusterView)

    def check(self, name: str, asked: AttachRequest) -> None:
        """As `attach`, before the Ray cluster is there: nothing is attached."""
        self._transport.request("POST", f"/ray/{segment(name)}/check", encode(asked), timeout=_PATIENCE)
