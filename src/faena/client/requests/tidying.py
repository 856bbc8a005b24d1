"""Typed requests about deletions, retention rules and disk use."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport, segment
from faena.tidying.schemas import (
    AnyRule,
    Applied,
    CollectionRequest,
    CollectionView,
    DeletionRequest,
    DeletionView,
    RuleView,
    UsageView,
)

T = TypeVar("T")
_LONG = 3600.0
"""Seconds that the server may take where it looks at every file."""


class TidyApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def delete(self, asked: DeletionRequest) -> DeletionView:
        return self._ask("POST", "/deletions", DeletionView, asked)

    def deletions(self) -> list[DeletionView]:
        """Those that can be undone, the newest first."""
        return self._ask("GET", "/deletions", list[DeletionView])

    def undo(self, number: int) -> DeletionView:
        return self._ask("POST", f"/deletions/{number:d}/undo", DeletionView)

    def collect(self, asked: CollectionRequest) -> CollectionView:
        return self._ask("POST", "/collections", CollectionView, asked)

    def rules(self) -> list[RuleView]:
        return self._ask("GET", "/retention", list[RuleView])

    def put_rule(self, name: str, rule: AnyRule) -> RuleView:
        return self._ask("PUT", f"/retention/{segment(name)}", RuleView, rule)

    def remove_rule(self, name: str) -> None:
        self._transport.request("DELETE", f"/retention/{segment(name)}")

    def apply_rules(self, *, dry_run: bool = False) -> list[Applied]:
        return self._ask("POST", f"/retention/apply?dry_run={str(dry_run).lower()}", list[Applied])

    def usage(self, largest: int = 10) -> UsageView:
        return self._ask("GET", f"/usage?largest={largest:d}", UsageView)

    def _ask(self, method: str, path: str, kind: type[T], body: msgspec.Struct | None = None) -> T:
        sent = None if body is None else encode(body)
        answer = self._transport.request(method, path, sent, timeout=_LONG)
        return msgspec.json.decode(answer.data, type=kind)
