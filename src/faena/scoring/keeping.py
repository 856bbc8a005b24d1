"""A sample of requests and their answers, kept in the endpoint's folder where that is asked for."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from faena.kernel import disk_space
from faena.scoring.exchange import Answer, Request
from faena.scoring.files import KEPT_REQUESTS

_log = logging.getLogger(__name__)
FOLDER = KEPT_REQUESTS
MOST_BODY = 256 << 10
"""Bytes of a body that are kept."""
SEGMENT = 8 << 20
SEGMENTS = 8
"""Of so many bytes each: the oldest goes when there is one more."""
_WAITING = 8 << 20
"""Bytes that may wait for the disk; what comes beyond is not kept."""
_PAUSE = 0.5
_ROOM = 256 << 20
"""Free bytes of the disk below which nothing is kept."""
ROUTES = frozenset(("/score", "/invocations", "/v2/models/infer"))
_REFUSED = frozenset((401, 405, 415))
"""Statuses of what no script was asked."""


class Keeping:
    """Belongs to one event loop; the disk is written by a thread. Headers, and so keys, are never kept."""

    def __init__(self, folder: Path, share: float) -> None:
        self.share = share
        self._folder = folder / FOLDER
        self._segment: Path | None = None
        self._waiting: list[dict[str, Any]] = []
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._at_once = asyncio.Event()
        """It leaves: nothing waits for more to be written with."""
        self._told = False

    def answered(self, request: Request, answer: Answer, now: float) -> None:
        """Keep it, if its turn has come."""
        if random.random() >= self.share or request.route not in ROUTES or answer.status in _REFUSED:
            return
        size = min(len(request.body), MOST_BODY) + min(len(answer.body), MOST_BODY)
        if self._bytes + size > _WAITING:
            return
        self._bytes += size
        self._waiting.append(
            {
                "id": request.request_id,
                "time": time.time() - (now - request.received),
                "seconds": now - request.received,
                "route": request.route,
                "revision": request.revision or None,
                "status": answer.status,
                "method": request.method,
                "query": request.query,
                "content_type": (request.header(b"content-type") or b"").decode("latin-1"),
                "body": request.body,
                "answer_type": answer.content_type.decode("latin-1"),
                "answer": answer.body,
            }
        )
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_soon())

    async def drain(self) -> None:
        """What waits is on the disk."""
        self._at_once.set()
        if self._task is not None:
            await asyncio.shield(self._task)
        if self._waiting:
            await self._write_soon()

    async def _write_soon(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._at_once.wait(), _PAUSE)
        waiting, self._waiting, self._bytes, self._task = self._waiting, [], 0, None
        try:
            await asyncio.to_thread(self._write, waiting)
        except OSError as error:
            self._tell(f"requests are not kept: {error}")

    def _write(self, records: list[dict[str, Any]]) -> None:
        """On a thread. Each write is of whole lines; one that was cut by a full disk is the last of its file."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        left = disk_space.free(self._folder)
        if left is not None and left < _ROOM:
            self._tell(f"requests are not kept while {left:,} bytes are free")
            return
        data = b"".join(msgspec.json.encode(_as_text(each)) + b"\n" for each in records)
        segment = self._segment
        if segment is None or not segment.exists() or segment.stat().st_size + len(data) > SEGMENT:
            segment = self._segment = self._folder / f"{time.time_ns():020d}.jsonl"
            for old in sorted(self._folder.glob("*.jsonl"))[: -(SEGMENTS - 1)]:
                old.unlink(missing_ok=True)
        descriptor = os.open(segment, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.write(descriptor, data) < len(data):
                self._segment = None
        except OSError:
            self._segment = None
            raise
        finally:
            os.close(descriptor)

    def _tell(self, what: str) -> None:
        if not self._told:
            self._told = True
            _log.warning("%s", what)


def _as_text(record: dict[str, Any]) -> dict[str, Any]:
    bodies = {"query": record["query"], "body": record["body"], "answer": record["answer"]}
    texts: dict[str, Any] = {}
    for name, whole in bodies.items():
        data = whole[:MOST_BODY]
        if len(whole) > MOST_BODY:
            texts[f"{name}_bytes"] = len(whole)
        try:
            texts[name] = data.decode()
        except UnicodeDecodeError:
            texts[name] = None
            texts[f"{name}_base64"] = base64.b64encode(data).decode()
    return record | texts
