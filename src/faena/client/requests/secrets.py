"""Typed requests about a workspace's secrets."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import msgspec

from faena.kernel.transport import Transport
from faena.workspaces.schemas import check_secret_length


class SecretApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def names(self) -> list[str]:
        return msgspec.json.decode(self._transport.request("GET", "/secrets").data, type=list[str])

    def get(self, names: list[str]) -> dict[str, str | None]:
        found: dict[str, str | None] = self._transport.json("POST", "/secrets/values", names)
        return found

    def put(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            check_secret_length(name, value)
        self._transport.json("PUT", "/secrets", values)

    def delete(self, names: list[str]) -> None:
        query = urlencode({"names": json.dumps(names)})
        self._transport.request("DELETE", f"/secrets?{query}")
