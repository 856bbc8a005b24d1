"""An attempt of a runner that runs nothing: it ships what a script that is not there writes, when a true one would."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks.fake_connection import Connection
from benchmarks.fake_scripts import LoggingScript, Script, lines
from faena.attempts.api import Shipped
from faena.attempts.pace import Pace

_HELD, _JITTER, _AWAY = 25.0, 0.2, 1.0


class Attempt:
    """`say` counts what was done, `trouble` what failed on the way. `spare`: has one for the request that is held."""

    def __init__(
        self,
        order: dict[str, Any],
        connection: Connection,
        spare: list[Connection],
        points_a_second: float,
        say: Callable[[str], None],
        trouble: Callable[[BaseException], None],
    ) -> None:
        self._connection, self._spare, self._say, self._trouble = connection, spare, say, trouble
        self._token, self._path = (
            order["token"],
            f"/attempts/{order['run_id']}/{order['attempt']}/{order['rank']}",
        )
        suffix = f"_{order['rank']}" if order["node_count"] > 1 else ""
        log = f"log/azureml-logs/70_driver_log{suffix}.txt"
        self.script: Script = lines(log, random.random())
        if points_a_second:
            self.script = LoggingScript(log, order["run_id"], points_a_second)
        self._pace = Pace(bool(order.get("watched")), rank=order["rank"], node_count=order["node_count"])
        self._started = int(time.time() * 1e6)
        self._woken, self._ended = asyncio.Event(), asyncio.Event()
        self._answers = connection.another()
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self, end: asyncio.Event) -> None:
        """Until it is told to `end`, or the server says so."""
        waiting = asyncio.create_task(self._wait_for(end))
        holding: asyncio.Task[None] | None = None
        self._pace.begin()
        try:
            while not self._ended.is_set():
                if self._pace.told_start and not self._pace.watched and (holding is None or holding.done()):
                    holding = asyncio.create_task(self._hold())
                await self._pause(self._pace.pause())
                if self._ended.is_set():
                    return
                self._pace.looks()
                now = time.monotonic()
                self.script.write(now)
                points = self._pace.points_are_due(now)
                if self._is_due(now, points, is_held=holding is not None and not holding.done()):
                    await self._ship(points)
        finally:
            waiting.cancel()

    async def close(self, node: str) -> tuple[int, dict[str, Any]]:
        """The status and what the node is told to do next."""
        self.script.write(time.monotonic())
        while True:
            segments, data = self.script.batch()
            head = {
                "segments": segments,
                "closing": True,
                "started_at": None,
                "notes": [],
                "outcome": {"reason": "completed"},
            }
            try:
                status, said = await self._connection.ask(
                    "POST", f"{self._path}/close?node={node}", _batch(head, data), self._token
                )
            except (OSError, EOFError) as error:
                self._trouble(error)
                await asyncio.sleep(_AWAY)
                continue
            return status, json.loads(said) if status < 400 else {}

    def _is_due(self, now: float, points: bool, *, is_held: bool) -> bool:
        pace = self._pace
        if (pace.beat_is_due(now) and not is_held) or pace.start_is_due(now):
            return True
        if pace.is_eager(now) and pace.takes_first(now, is_there=self.script.grown(points=False)):
            return True
        return pace.batch_is_due(now) and self.script.grown(points=points)

    async def _ship(self, points: bool) -> None:
        segments, data = self.script.batch(points=points)
        started = None if self._pace.told_start else self._started
        head = {"segments": segments, "closing": False, "started_at": started}
        if points:
            self._pace.sends_points()
        try:
            status, said = await self._connection.ask(
                "POST", f"{self._path}/ship", _batch(head, data), self._token
            )
        except (OSError, EOFError) as error:
            self._trouble(error)
            self._pace.sent()
            await asyncio.sleep(_AWAY)
            return
        self._say("shipped")
        self._pace.sent()
        if status >= 400:
            self._say(f"status {status}")
            self._ended.set()
            return
        answer = json.loads(said)
        self._pace.told_start = True
        self.script.acknowledge(answer["offsets"])
        self._hear(answer)

    def _hear(self, answer: dict[str, Any]) -> None:
        said = Shipped(
            answer.get("offsets", {}),
            answer["cancel"],
            answer["watched"],
            answer.get("points", False),
            answer.get("pace", 0.0),
        )
        self._pace.hears(said)
        for each in answer.get("asked", ()):
            task = asyncio.create_task(self._answer(each["id"]))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        if said.cancel:
            self._ended.set()
        if said.cancel or said.watched:
            self._woken.set()

    async def _answer(self, question: str) -> None:
        """About files of the script: it has none."""
        data = json.dumps({"files": []}).encode()
        try:
            await self._answers.ask("POST", f"{self._path}/answers/{question}", data, self._token)
            self._say("answers")
        except (OSError, EOFError) as error:
            self._trouble(error)

    async def _hold(self) -> None:
        """Ends when somebody begins to watch, when the script is to end, or when the run has ended."""
        held = self._spare.pop() if self._spare else self._connection.another()
        while True:
            wait = _HELD * random.uniform(1 - _JITTER, 1 + _JITTER)
            try:
                status, data = await held.ask(
                    "GET", f"{self._path}/signals?wait={wait:.2f}", token=self._token
                )
            except (OSError, EOFError) as error:
                self._trouble(error)
                await asyncio.sleep(_AWAY)
                continue
            self._say("signals")
            answer = json.loads(data) if status < 400 else {"cancel": True, "watched": False}
            if status >= 400:
                self._ended.set()
                self._woken.set()
            else:
                self._hear(answer)
            if answer["watched"] or answer["cancel"]:
                self._spare.append(held)
                return

    async def _wait_for(self, end: asyncio.Event) -> None:
        await end.wait()
        self._ended.set()
        self._woken.set()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()


def _batch(head: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "little") + text + data
