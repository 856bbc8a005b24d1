"""Typed requests about evaluation sets."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec

from faena.kernel.transport import Transport, segment
from faena.traces.evaluation_sets.schemas import EvaluationSets, EvaluationSetView, RecordPage, RecordView

_PAGE = 1000


class EvaluationSetApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def page(
        self, *, experiment: str | None = None, text: str | None = None, start: int = 0, limit: int = _PAGE
    ) -> EvaluationSets:
        given = {"experiment": experiment, "text": text, "from": start, "limit": limit}
        query = urlencode({key: value for key, value in given.items() if value is not None})
        answer = self._transport.request("GET", f"/evaluation-sets?{query}")
        return msgspec.json.decode(answer.data, type=EvaluationSets)

    def get(self, set_id: str) -> EvaluationSetView:
        return msgspec.json.decode(self._transport.request("GET", _path(set_id)).data, type=EvaluationSetView)

    def records_page(self, set_id: str, start: int = 0, limit: int = _PAGE) -> RecordPage:
        asked = urlencode({"from": start, "limit": limit})
        answer = self._transport.request("GET", f"{_path(set_id)}/records?{asked}")
        return msgspec.json.decode(answer.data, type=RecordPage)

    def records(self, set_id: str) -> Iterator[RecordView]:
        """All, fetched in pages as they are asked for."""
        start = 0
        while page := self.records_page(set_id, start).records:
            yield from page
            start += len(page)

    def delete(self, set_id: str) -> None:
        self._transport.request("DELETE", _path(set_id))


def _path(set_id: str) -> str:
    return f"/evaluation-sets/{segment(set_id)}"
