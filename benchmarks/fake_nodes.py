"""Many runners in one process that speak the true protocol and run nothing: for `benchmarks.nodes`.

    python -m benchmarks.fake_nodes URL TOKEN PREFIX NUMBER [POINTS]

Each has the connections of a true one, over TLS: one for work and what its attempt brings, one for beats, and one for
the request that is held while it runs. Scripts "run" until told to end, and write a line every 30 s, or log so many
POINTS a second. Reads words on stdin (`end`, `ask`), writes JSON lines on stdout.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from typing import Any

import faena
from benchmarks.fake_attempt import Attempt
from benchmarks.fake_connection import Connection
from faena.attempts.records import ORDERS
from faena.kernel import settings

_JOINING_AT_ONCE = 16
_WAIT, _JITTER, _AWAY = 25.0, 0.2, 1.0


class Fake:
    """The nodes of this process."""

    def __init__(self, url: str, token: str, prefix: str, number: int, points: float) -> None:
        self._url, self._token, self._points = url, token, points
        self._fingerprint = token.split("-")[1]
        self._names = [f"{prefix}{each:05d}" for each in range(number)]
        self._end = asyncio.Event()
        self._said: Counter[str] = Counter()
        self._heard: dict[str, float] = {}
        """When an answer to a beat last came, by name."""
        self._again = 0.0
        """When the last of those that had none came back."""
        self._beat = 2.0

    async def run(self) -> None:
        joining = asyncio.Semaphore(_JOINING_AT_ONCE)
        nodes = [asyncio.create_task(self._node(name, joining)) for name in self._names]
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while word := (await reader.readline()).decode().strip():
            if word == "end":
                self._end.set()
                self._end = asyncio.Event()
            else:
                heard = min(self._heard.values(), default=0.0)
                tell(counts=self._said, heard=heard, first=self._again)
        for node in nodes:
            node.cancel()

    def _connection(self, token: str) -> Connection:
        return Connection(self._url, token, self._fingerprint)

    async def _node(self, name: str, joining: asyncio.Semaphore) -> None:
        token = self._token
        while True:
            try:
                async with joining:
                    said = await self._join(name, token)
            except (OSError, EOFError) as error:
                self._trouble(error)
                await asyncio.sleep(_AWAY)
                continue
            token = said["token"] or token
            tell(joined=name, at=time.monotonic())
            beats = asyncio.create_task(self._beats(name, said["node"], token))
            try:
                await self._work(said["node"], token)
            finally:
                beats.cancel()

    async def _join(self, name: str, token: str) -> dict[str, Any]:
        told = {
            "name": name,
            "version": faena.__version__,
            "wire": settings.WIRE_VERSION,
            "orders": ORDERS,
            "python": "3.11.2",
            "platform": "linux-x86_64",
            "cores": 4,
            "labels": {"rack": name[:3], "zone": "a"},
        }
        status, data = await self._connection(token).ask("POST", "/nodes/join", json.dumps(told).encode())
        if status != 201:
            raise OSError(f"{status} {data[:200]!r}")
        found: dict[str, Any] = json.loads(data)
        return found

    async def _beats(self, name: str, node: str, token: str) -> None:
        connection, body = self._connection(token), b'{"running": ""}'
        pause, failed = random.uniform(0, 2.0), False
        while True:
            await asyncio.sleep(pause)
            try:
                status, data = await asyncio.wait_for(
                    connection.ask("POST", f"/nodes/{node}/beat", body), 5.0
                )
            except (OSError, EOFError, TimeoutError) as error:
                self._trouble(error)
                pause, failed = 0.5, True
                continue
            answer = json.loads(data)
            if status != 200 or answer["lost"]:
                self._said["lost"] += 1
                return
            self._said["beats"] += 1
            self._heard[name] = time.monotonic()
            if failed:
                failed, self._again = False, self._heard[name]
            self._beat = answer["beat_seconds"]
            pause = self._beat * random.uniform(1 - _JITTER, 1 + _JITTER)

    async def _work(self, node: str, token: str) -> None:
        connection, spare = self._connection(token), [self._connection(token)]
        answer: dict[str, Any] = {}
        while not answer.get("leave"):
            if order := answer.get("order"):
                answer = await self._attempt(order, node, connection, spare)
                continue
            try:
                status, data = await connection.ask(
                    "POST", f"/nodes/{node}/work?wait={_WAIT}&orders={ORDERS}"
                )
            except (OSError, EOFError) as error:
                self._trouble(error)
                await asyncio.sleep(_AWAY)
                continue
            self._said["asked"] += 1
            at = time.monotonic()
            answer = json.loads(data)
            if status >= 400:
                self._said[f"status {status}"] += 1
                answer = {"leave": status == 401}
                await asyncio.sleep(_AWAY)
            if order := answer.get("order"):
                tell(order=order["run_id"], rank=order["rank"], at=at, bytes=len(data), node=node)

    async def _attempt(
        self, order: dict[str, Any], node: str, connection: Connection, spare: list[Connection]
    ) -> dict[str, Any]:
        made = Attempt(order, connection, spare, self._points, self._count, self._trouble)
        await made.run(self._end)
        status, found = await made.close(node)
        tell(
            closed=order["run_id"],
            rank=order["rank"],
            at=time.monotonic(),
            status=status,
            steps=made.script.steps,
        )
        if status >= 400:
            self._count(f"status {status}")
        elif order := found.get("order"):  # type: ignore[assignment]  # an order, as JSON has it
            tell(order=order["run_id"], rank=order["rank"], at=time.monotonic(), node=node)
        return found

    def _count(self, what: str) -> None:
        self._said[what] += 1

    def _trouble(self, error: BaseException) -> None:
        self._said[f"{type(error).__name__}: {str(error)[:60]}"] += 1


def tell(**said: Any) -> None:
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    url, token, prefix, number, *points = sys.argv[1:]
    asyncio.run(Fake(url, token, prefix, int(number), float(points[0]) if points else 0.0).run())
