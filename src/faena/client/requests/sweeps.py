"""Typed requests about sweeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from faena.client.wire import encode
from faena.kernel.transport import Transport, segment
from faena.runs.schemas import RunView
from faena.sweeps.schemas import AdoptedRuns, GivenTrials, SweepChange, SweepRequest, SweepView, TrialView

_PAGE = 1000


class SweepApi:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def begin(self, sweep_id: str, asked: SweepRequest, *, offered: bool = True) -> RunView:
        """`offered`: False where the snapshot was offered earlier. Raises SnapshotMissing where it is gone since."""
        path = f"/sweeps/{segment(sweep_id)}{'' if offered else '?offered=false'}"
        return msgspec.json.decode(self._transport.request("PUT", path, encode(asked)).data, type=RunView)

    def get(self, sweep_id: str) -> SweepView:
        answer = self._transport.request("GET", f"/sweeps/{segment(sweep_id)}")
        return msgspec.json.decode(answer.data, type=SweepView)

    def trials(
        self, sweep_id: str, *, best_first: bool = False, limit: int | None = None, first: int = 0
    ) -> Iterator[TrialView]:
        """In pages, as they are asked for; from the place `first` on."""
        offset, end = first, None if limit is None else first + limit
        while end is None or offset < end:
            count = _PAGE if end is None else min(_PAGE, end - offset)
            asked = {"offset": offset, "limit": count, "order": "best" if best_first else "number"}
            answer = self._transport.request("GET", f"/sweeps/{segment(sweep_id)}/trials?{urlencode(asked)}")
            page = msgspec.json.decode(answer.data, type=list[TrialView])
            yield from page
            if len(page) < count:
                return
            offset += count

    def change(self, sweep_id: str, wanted: SweepChange) -> SweepView:
        answer = self._transport.request("PATCH", f"/sweeps/{segment(sweep_id)}", encode(wanted))
        return msgspec.json.decode(answer.data, type=SweepView)

    def give(self, sweep_id: str, trials: Sequence[Mapping[str, Any]], request: str) -> list[TrialView]:
        asked = GivenTrials(tuple(dict(each) for each in trials), request)
        answer = self._transport.request("POST", f"/sweeps/{segment(sweep_id)}/trials", encode(asked))
        return msgspec.json.decode(answer.data, type=list[TrialView])

    def adopt(self, sweep_id: str, runs: Sequence[str]) -> list[TrialView]:
        asked = encode(AdoptedRuns(tuple(runs)))
        answer = self._transport.request("POST", f"/sweeps/{segment(sweep_id)}/adopted", asked)
        return msgspec.json.decode(answer.data, type=list[TrialView])

    def rerun_failed(self, sweep_id: str) -> list[TrialView]:
        answer = self._transport.request("POST", f"/sweeps/{segment(sweep_id)}/rerun-failed")
        return msgspec.json.decode(answer.data, type=list[TrialView])
