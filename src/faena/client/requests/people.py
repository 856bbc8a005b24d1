"""Typed requests about people, their tokens and the audit log."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport, segment
from faena.people.schemas import (
    AuditEntry,
    Me,
    PersonIn,
    PersonView,
    Sharing,
    SharingChange,
    TokenIn,
    TokenView,
)


class PeopleApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def me(self) -> Me:
        return msgspec.json.decode(self._transport.request("GET", "/me").data, type=Me)

    def all(self) -> list[PersonView]:
        return msgspec.json.decode(self._transport.request("GET", "/people").data, type=list[PersonView])

    def put(self, name: str, role: str) -> None:
        self._transport.request("PUT", _person(name), encode(PersonIn(role)))

    def remove(self, name: str) -> None:
        self._transport.request("DELETE", _person(name))

    def tokens(self, name: str) -> list[TokenView]:
        answer = self._transport.request("GET", f"{_person(name)}/tokens")
        return msgspec.json.decode(answer.data, type=list[TokenView])

    def new_token(self, name: str, asked: TokenIn) -> TokenView:
        answer = self._transport.request("POST", f"{_person(name)}/tokens", encode(asked))
        return msgspec.json.decode(answer.data, type=TokenView)

    def revoke(self, name: str, token_id: str) -> None:
        self._transport.request("DELETE", f"{_person(name)}/tokens/{segment(token_id)}")

    def sharing(self, experiment: str) -> Sharing:
        answer = self._transport.request("GET", _sharing(experiment))
        return msgspec.json.decode(answer.data, type=Sharing)

    def share(self, experiment: str, change: SharingChange) -> Sharing:
        answer = self._transport.request("PATCH", _sharing(experiment), encode(change))
        return msgspec.json.decode(answer.data, type=Sharing)

    def audit_log(self, person: str | None, before: int | None, most: int) -> list[AuditEntry]:
        asked = {"person": person, "before": before, "most": most}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        answer = self._transport.request("GET", f"/audit-log?{query}")
        return msgspec.json.decode(answer.data, type=list[AuditEntry])


def _sharing(experiment: str) -> str:
    return f"/experiments/sharing?{urlencode({'name': experiment})}"


def _person(name: str) -> str:
    return f"/people/{segment(name)}"
