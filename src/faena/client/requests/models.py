"""Typed requests about registered models."""

from __future__ import annotations

import builtins
from typing import Any
from urllib.parse import urlencode

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport, segment
from faena.models.model import check_alias
from faena.models.schemas import (
    AliasChange,
    LocalRegistration,
    ModelChange,
    ModelNameView,
    ModelView,
    Registration,
    SentFile,
    SentRegistration,
    StageChange,
)

_DESCRIBED = ("description", "tags", "properties", "framework", "framework_version", "datasets")
_COPYING = 3600.0
"""Seconds that the server may take to copy files before it answers."""


class ModelApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def register(
        self, name: str, request_id: str, registration: Registration | LocalRegistration
    ) -> ModelView:
        """The server copies files of its host before it answers; files of a run need no copy."""
        if isinstance(registration, LocalRegistration):
            if not self._transport.shares_files:
                return self._register_sent(name, request_id, registration)
            place = "/local"
        else:
            place = ""
        path = f"/models/{segment(name)}/registrations/{segment(request_id)}{place}"
        return self._view("PUT", path, registration)

    def _register_sent(self, name: str, request_id: str, asked: LocalRegistration) -> ModelView:
        from faena.kernel import uploads  # a server elsewhere is asked by few
        from faena.models.local_files import collect

        sources = collect(asked.path, asked.child_paths)
        digests = uploads.bring(self._transport, (source.place for source in sources))
        files = tuple(SentFile(source.path, digests[str(source.place)]) for source in sources)
        described = {field: getattr(asked, field) for field in _DESCRIBED}
        sent = SentRegistration(path=asked.path, files=files, **described)
        return self._view("PUT", f"/models/{segment(name)}/registrations/{segment(request_id)}/sent", sent)

    def list(self, **filters: Any) -> list[ModelView]:
        """`filters`: those of the route; None does not filter."""
        given = {key: value for key, value in filters.items() if value is not None}
        answer = self._transport.request("GET", f"/models?{urlencode(given)}")
        return msgspec.json.decode(answer.data, type=list[ModelView])

    def get(self, name: str, version: int | None) -> ModelView:
        """The latest version when None."""
        path = f"/models/{segment(name)}" if version is None else _path(name, version)
        return self._view("GET", path)

    def get_by_alias(self, name: str, alias: str) -> ModelView:
        """The version that the alias means now."""
        return self._view("GET", _alias_path(name, alias))

    def set_alias(self, name: str, alias: str, version: int) -> ModelView:
        check_alias(alias)
        return self._view("PUT", _alias_path(name, alias), AliasChange(version))

    def remove_alias(self, name: str, alias: str, version: int | None = None) -> None:
        """`version`: only while the alias means this one."""
        query = "" if version is None else f"?{urlencode({'version': version})}"
        self._transport.request("DELETE", f"{_alias_path(name, alias)}{query}")

    def names(self, *, empty: bool = False) -> builtins.list[ModelNameView]:
        """Models as such; `empty`: those without a version only."""
        answer = self._transport.request("GET", f"/model-names?{urlencode({'empty': str(empty).lower()})}")
        return msgspec.json.decode(answer.data, type=builtins.list[ModelNameView])

    def set_stage(self, name: str, version: int, stage: str, *, archive_others: bool = False) -> ModelView:
        return self._view("PUT", f"{_path(name, version)}/stage", StageChange(stage, archive_others))

    def change(self, name: str, version: int, wanted: ModelChange) -> ModelView:
        return self._view("PATCH", _path(name, version), wanted)

    def delete(self, name: str, version: int, user: str = "") -> None:
        query = urlencode({"user": user})
        self._transport.request("DELETE", f"{_path(name, version)}?{query}")

    def _view(self, method: str, path: str, body: msgspec.Struct | None = None) -> ModelView:
        sent = None if body is None else encode(body)
        answer = self._transport.request(method, path, sent, timeout=_COPYING)
        return msgspec.json.decode(answer.data, type=ModelView)


def _alias_path(name: str, alias: str) -> str:
    return f"/models/{segment(name)}/aliases/{segment(alias)}"


def _path(name: str, version: int) -> str:
    return f"/models/{segment(name)}/versions/{version:d}"
