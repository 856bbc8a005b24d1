"""Whose request is in the way of a server that leaves hears that it is to ask the next one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from faena.kernel.errors import WorkspaceGone
from faena.kernel.settings import WIRE_HEADER
from faena.server.listener.leaving import sent_on


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
