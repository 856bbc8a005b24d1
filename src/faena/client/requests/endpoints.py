"""Typed requests about endpoints."""

from __future__ import annotations

import builtins
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from faena.client.wire import encode
from faena.endpoints.schemas import (
    Deployment,
    DeploymentView,
    EndpointChange,
    EndpointView,
    KeptRequest,
    KeysView,
    LogView,
)
from faena.kernel.transport import Transport, segment

T = TypeVar("T")
_ACTIVITY = "?activity=true"


class EndpointApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def deploy(self, name: str, request_id: str, asked: Deployment) -> DeploymentView:
        path = f"{_path(name)}/deployments/{segment(request_id)}"
        return self._ask("PUT", path, DeploymentView, asked)

    def list(self, *, activity: bool = False) -> list[EndpointView]:
        """`activity`: with what they did in the last minute."""
        return self._ask("GET", f"/endpoints{_ACTIVITY if activity else ''}", list[EndpointView])

    def get(self, name: str, *, activity: bool = False) -> EndpointView:
        return self._ask("GET", f"{_path(name)}{_ACTIVITY if activity else ''}", EndpointView)

    def changed(self, name: str, after: int, wait: float) -> EndpointView:
        """Answers once its version is not `after` any more, or after `wait` seconds."""
        query = urlencode({"after": after, "wait": f"{wait:g}"})
        answer = self._transport.request("GET", f"{_path(name)}?{query}", held=wait)
        return msgspec.json.decode(answer.data, type=EndpointView)

    def change(self, name: str, wanted: EndpointChange) -> EndpointView:
        return self._ask("PATCH", _path(name), EndpointView, wanted)

    def roll_back(self, name: str, revision: int | None) -> EndpointView:
        query = "" if revision is None else f"?revision={revision:d}"
        return self._ask("POST", f"{_path(name)}/rollback{query}", EndpointView)

    def delete(self, name: str) -> None:
        self._transport.request("DELETE", _path(name))

    def keys(self, name: str) -> KeysView:
        return self._ask("GET", f"{_path(name)}/keys", KeysView)

    def new_key(self, name: str, which: str) -> KeysView:
        return self._ask("POST", f"{_path(name)}/keys/{segment(which)}", KeysView)

    def logs(self, name: str, lines: int, revision: int | None = None) -> str:
        given = {"lines": lines, **({} if revision is None else {"revision": revision})}
        return self._ask("GET", f"{_path(name)}/logs?{urlencode(given)}", LogView).text

    def kept_requests(self, name: str, limit: int) -> builtins.list[KeptRequest]:
        return self._ask(
            "GET", f"{_path(name)}/requests?{urlencode({'limit': limit})}", builtins.list[KeptRequest]
        )

    def _ask(self, verb: str, path: str, kind: type[T], body: msgspec.Struct | None = None) -> T:
        answer = self._transport.request(verb, path, *(() if body is None else (encode(body),)))
        return msgspec.json.decode(answer.data, type=kind)


def _path(name: str) -> str:
    return f"/endpoints/{segment(name)}"
