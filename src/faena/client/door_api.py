"""Typed requests about the door through which browsers come to a workspace."""

from __future__ import annotations

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport
from faena.workspaces.schemas import DoorRequest, DoorView


class DoorApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open(self, port: int | None = None) -> DoorView:
        """Open the door, unless it is, and get an address that signs one browser in."""
        answer = self._transport.request("POST", "/door", encode(DoorRequest(port)))
        return msgspec.json.decode(answer.data, type=DoorView)

    def close(self) -> None:
        """Close the door; all browsers are signed out."""
        self._transport.request("DELETE", "/door")
