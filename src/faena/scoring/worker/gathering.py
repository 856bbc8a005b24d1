"""Takes the requests of a batch as they come, and runs them together once it is whole."""

from __future__ import annotations

import time

from . import answers, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .batches import Batches
    from .jobs import Jobs
    from .log import Current
    from .memory import Memory


class Gathering:
    """`put`: takes an answer, with its request's number, microseconds, and how many were run together."""

    def __init__(
        self,
        shared: Memory,
        log: Current,
        jobs: Jobs,
        batches: Batches,
        put: Callable[[int, int, int, Any], None],
    ) -> None:
        self._memory = shared
        self._log = log
        self._jobs = jobs
        self._batches = batches
        self._put = put
        self._group: list[tuple[int, bytes, Any]] = []
        """Number, id, job; or instead of that an answer, where there is nothing to run."""
        self._making = 0.0
        """Seconds that it took to read them, which belong to what they ran."""

    def add(
        self, kind: int, number: int, late: bool | None, request: bytes, description: bytes, body: bytes
    ) -> None:
        """`late`: whether its time is over; None where it is not to be answered at all."""
        if late is not None:
            self._log.request = request
            began = time.monotonic()
            made = answers.too_late() if late else self._jobs.make(kind & ~wire.MORE, description, body)
            self._making += time.monotonic() - began
            self._log.request = b""
            self._group.append((number, request, made))
        if not kind & wire.MORE:
            group, self._group = self._group, []
            self._run(group)

    def _run(self, group: list[tuple[int, bytes, Any]]) -> None:
        cells = self._memory.cells
        making, self._making = self._making / max(1, len(group)), 0.0
        at = 0
        for part in self._batches.parts([made for _, _, made in group]):
            members = group[at : at + len(part)]
            at += len(part)
            cells[wire.LAST] = members[-1][0]
            cells[wire.FIRST] = members[0][0]
            began = self._memory.times[wire.SINCE] = time.monotonic()
            jobs = [made for made in part if not isinstance(made, answers.Said)]
            self._log.request = b" ".join(request for _, request, _ in members[:4])
            results = iter(self._batches.answer(jobs) if jobs else [])
            self._log.request = b""
            micros = int(((time.monotonic() - began) / len(members) + making) * 1e6)
            for number, _, made in members:
                self._put(
                    number, micros, len(members), made if isinstance(made, answers.Said) else next(results)
                )
