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
        return self._open(DoorRequest(port))

    def open_page(self, port: int | None = None) -> DoorView:
        """The same, with a file to hand to the browser: arguments of a process can be read by everybody."""
        return self._open(DoorRequest(port, page=True))

    def link(self, path: str) -> str:
        """The address of a page of ours, to be clicked within an hour by the user whose server it is."""
        return self._open(DoorRequest(link=True, to=path)).url

    def _open(self, asked: DoorRequest) -> DoorView:
        answer = self._transport.request("POST", "/door", encode(asked))
        return msgspec.json.decode(answer.data, type=DoorView)

    def close(self) -> None:
        """Close the door; all browsers are signed out."""
        self._transport.request("DELETE", "/door")
