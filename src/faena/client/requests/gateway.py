"""Typed requests about the gateway through which browsers come to a workspace."""

from __future__ import annotations

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport
from faena.workspaces.schemas import GatewayRequest, GatewayView


class GatewayApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def open(self, port: int | None = None) -> GatewayView:
        """Open the gateway, unless it is, and get an address that signs one browser in."""
        return self._open(GatewayRequest(port))

    def open_page(self, port: int | None = None) -> GatewayView:
        """The same, with a file to hand to the browser: arguments of a process can be read by everybody."""
        return self._open(GatewayRequest(port, page=True))

    def link(self, path: str) -> str:
        """The address of a page of ours, to be clicked within an hour by the user whose server it is."""
        return self._open(GatewayRequest(link=True, to=path)).url

    def open_to_programs(self) -> GatewayView:
        """The address and the token for programs; the server stays until the gateway is closed."""
        return self._open(GatewayRequest(programs=True))

    def _open(self, asked: GatewayRequest) -> GatewayView:
        answer = self._transport.request("POST", "/door", encode(asked))
        return msgspec.json.decode(answer.data, type=GatewayView)

    def close(self) -> None:
        """Close the gateway; all browsers are signed out."""
        self._transport.request("DELETE", "/door")
