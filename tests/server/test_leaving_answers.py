"""Whose request is in the way of a server that leaves hears that it is to ask the next one."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from faena.kernel.errors import WorkspaceGone
from faena.kernel.settings import WIRE_HEADER
from faena.server.listener.leaving import OpenRequests, sent_on


def answers(*, begins: bool, of_ours: bool = True) -> list[dict[str, Any]]:
    """To a request that is canceled as uvicorn does when it leaves."""
    sent: list[dict[str, Any]] = []

    async def held(_scope: Any, _receive: Any, send: Any) -> None:
        if begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async def scenario() -> None:
        asked: Any = sent_on(held)
        headers = [(WIRE_HEADER.lower().encode(), b"1")] if of_ours else []
        task = asyncio.create_task(asked({"type": "http", "headers": headers}, None, send))
        await asyncio.sleep(0)
        task.cancel("Task cancelled, timeout graceful shutdown exceeded")
        await task

    if begins:
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(scenario())
    else:
        asyncio.run(scenario())
    return sent


def test_a_request_that_is_held_is_sent_on() -> None:
    start, body = answers(begins=False)
    assert start["status"] == WorkspaceGone.status, "with which clients ask again"
    assert json.loads(body["body"])["code"] == "WorkspaceGone"


def test_others_hear_what_they_ask_again_after() -> None:
    start, body = answers(begins=False, of_ours=False)
    assert start["status"] == 503
    assert json.loads(body["body"])["error_code"] == "TEMPORARILY_UNAVAILABLE"


def test_an_answer_that_has_begun_breaks_off() -> None:
    assert len(answers(begins=True)) == 1


def test_what_waits_for_news_or_streams_is_ended_and_all_others_are_waited_for() -> None:
    async def scenario() -> list[str]:
        requests, ended = OpenRequests(), list[str]()
        answer = asyncio.Event()

        async def app(scope: Any, _receive: Any, send: Any) -> None:
            if scope["path"] == "/stream":
                await send({"type": "http.response.start", "status": 200, "headers": []})
            if scope["path"] == "/download":
                headers = [(b"content-length", b"3")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
            try:
                await answer.wait()
                ended.append(f"{scope['path']} answered")
            except asyncio.CancelledError:
                ended.append(f"{scope['path']} ended")
                raise

        async def send(_message: Any) -> None:
            pass

        asked: Any = sent_on(app, requests)

        async def ask(path: str, query: bytes = b"") -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asked({"type": "http", "path": path, "query_string": query, "headers": []}, None, send)

        tasks = [asyncio.create_task(ask(path)) for path in ("/runs", "/stream", "/download")]
        tasks.append(asyncio.create_task(ask("/news", b"after=1&wait=30")))
        await asyncio.sleep(0)
        finishing = asyncio.create_task(requests.finish(60))
        while len(ended) < 2:
            await asyncio.sleep(0)
        assert not finishing.done()
        answer.set()
        await asyncio.gather(finishing, *tasks)
        return sorted(ended)

    assert asyncio.run(scenario()) == ["/download answered", "/news ended", "/runs answered", "/stream ended"]
