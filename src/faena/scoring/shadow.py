"""A revision that is asked what another one answers: its answers are compared and counted, and sent to nobody."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from faena.scoring.exchange import Answer, Reply, Request, Scorer

_log = logging.getLogger(__name__)
_COMPARED_BYTES = 256 << 10
"""Of two answers that are looked at as JSON where their bytes differ."""
_TOLD = 20
"""Requests whose answers differed that are named in the log, one by one."""


class Shadow:
    def __init__(self, revision: int, scorer: Scorer, count: Callable[[str], None]) -> None:
        self.revision = revision
        self.scorer = scorer
        self._count = count
        self._told = 0

    def ask(self, request: Request, route: str, reply: Reply) -> Reply:
        """Have it answered here, too; what to call with the answer that is sent."""
        if not self.scorer.ready or self.scorer.waiting > self.scorer.limits.queue // 2:
            self._count("skipped")
            return reply
        answers: list[Answer] = []

        def compare(answer: Answer) -> None:
            answers.append(answer)
            if len(answers) == 2:
                self._compare(request, *answers)

        def send(answer: Answer) -> None:
            reply(answer)
            compare(answer)

        self.scorer.submit(request, route, compare)
        return send

    def _compare(self, request: Request, one: Answer, other: Answer) -> None:
        if one.status == other.status and same(one.body, other.body):
            self._count("same")
            return
        self._count("different")
        self._told += 1
        if self._told <= _TOLD:
            _log.info(
                "request %s: the answers of shadow revision %d and of the one that was sent differ (status %d and %d)",
                request.request_id,
                self.revision,
                *sorted((one.status, other.status)),
            )


def same(one: bytes, other: bytes) -> bool:
    """Whether two bodies say the same: byte by byte, or as JSON."""
    if one == other:
        return True
    if max(len(one), len(other)) > _COMPARED_BYTES:
        return False
    try:
        return bool(_parsed(one) == _parsed(other))
    except (ValueError, RecursionError):
        return False


def _parsed(body: bytes) -> Any:
    return json.loads(body)
