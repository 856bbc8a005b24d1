"""Many runners in one process that speak the true protocol and run nothing: for `benchmarks.nodes`.

    python -m benchmarks.fake_nodes URL TOKEN PREFIX NUMBER

Each has the connections of a true one, over TLS: one for work and what its attempt brings, one for beats, and one for
the request that is held while it runs. Scripts "run" until told to end, and write a line every 30 s. Reads words on
stdin (`end`, `ask`), writes JSON lines on stdout.
"""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import hashlib
import json
import random
import ssl
import sys
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import faena
from faena.attempts.records import ORDERS
from faena.kernel import settings

asyncio.sslproto.SSLProtocol.max_size = 32 << 10  # else 256 KiB a connection, here too

_JOINING_AT_ONCE = 16
_WAIT, _UNWATCHED, _JITTER, _AWAY = 25.0, 2.0, 0.2, 1.0
_TELL_START, _STARTS = 0.3, 500.0
_LINE = 30.0
"""Seconds between lines of a script."""


class Connection:
    """One, kept open; opened anew where it broke. `close` it where its answer is not waited for any more."""

    def __init__(self, url: str, token: str, fingerprint: str) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._tls = str(parts.hostname), parts.port, parts.scheme == "https"
        self._fingerprint = fingerprint
        self.token = token
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, verb: str, path: str, body: bytes = b"", token: str = "") -> tuple[int, bytes]:
        """`token`: where it is another one. Raises OSError, EOFError."""
        reader, writer = self._streams or await self._open()
        self._streams = None
        head = (
            f"{verb} {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {token or self.token}\r\n"
            f"{settings.WIRE_HEADER}: {settings.WIRE_VERSION}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        try:
            said = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in said.split(b"\r\n")[1:-2])
            data = await reader.readexactly(int(fields.get(b"content-length", b"0")))
        except BaseException:
            writer.close()
            raise
        self._streams = reader, writer
        if said.startswith((b"HTTP/1.1 5", b"HTTP/1.1 421")):  # it leaves
            raise OSError(data[:60].decode())
        return int(said.split(b" ", 2)[1]), data

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = _context() if self._tls else None
        reader, writer = await asyncio.open_connection(self._host, self._port, ssl=context, limit=1 << 20)
        if self._tls:
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if hashlib.sha256(shown).hexdigest() != self._fingerprint:
                raise OSError("another certificate than the token names")
        return reader, writer


_CONTEXTS: list[ssl.SSLContext] = []


def _context() -> ssl.SSLContext:
    if not _CONTEXTS:
        made = ssl.create_default_context()
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        _CONTEXTS.append(made)
    return _CONTEXTS[0]


class Fake:
    """The nodes of this process."""

    def __init__(self, url: str, token: str, prefix: str, number: int) -> None:
        self._url, self._token = url, token
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
        token, end = order["token"], self._end
        spread = random.uniform(0, order["node_count"] / _STARTS) if order["rank"] else 0.0
        await asyncio.sleep(_TELL_START + spread)
        path = f"/attempts/{order['run_id']}/{order['attempt']}/{order['rank']}"
        suffix = f"_{order['rank']}" if order["node_count"] > 1 else ""
        stream, offset = f"log/azureml-logs/70_driver_log{suffix}.txt", 0
        started: int | None = int(time.time() * 1e6)
        writes_at, pace = time.monotonic() + random.uniform(0, _LINE), _UNWATCHED
        held: asyncio.Task[None] | None = None
        while not (end.is_set() or (held is not None and held.done())):
            line = b"epoch 1 loss 0.5\n" if time.monotonic() >= writes_at else b""
            if started is None and not line:
                await asyncio.sleep(pace)
                continue
            segments = [[stream, offset, len(line)]] if line else []
            head = {"segments": segments, "closing": False, "started_at": started}
            try:
                status, data = await connection.ask("POST", f"{path}/ship", _batch(head, line), token)
            except (OSError, EOFError) as error:
                self._trouble(error)
                await asyncio.sleep(_AWAY)
                continue
            writes_at += _LINE if line else 0.0
            self._said["shipped"] += 1
            if status >= 400:
                self._said[f"status {status}"] += 1
                break
            answer = json.loads(data)
            started = None
            pace = max(_UNWATCHED, answer.get("pace", 0.0))
            offset = answer["offsets"].get(stream, offset)
            if answer["cancel"]:
                break
            if held is None:
                held = asyncio.create_task(self._hold(f"{path}/signals", token, spare))
        ending = {
            "segments": [],
            "closing": True,
            "started_at": None,
            "notes": [],
            "outcome": {"reason": "completed"},
        }
        while True:
            try:
                status, data = await connection.ask(
                    "POST", f"{path}/close?node={node}", _batch(ending, b""), token
                )
            except (OSError, EOFError) as error:
                self._trouble(error)
                await asyncio.sleep(_AWAY)
                continue
            tell(closed=order["run_id"], rank=order["rank"], at=time.monotonic(), status=status)
            if status >= 400:
                self._said[f"status {status}"] += 1
                return {}
            found: dict[str, Any] = json.loads(data)
            if order := found.get("order"):  # type: ignore[assignment]  # an order, as JSON has it
                tell(
                    order=order["run_id"], rank=order["rank"], at=time.monotonic(), bytes=len(data), node=node
                )
            return found

    async def _hold(self, path: str, token: str, spare: list[Connection]) -> None:
        """Ends when the script is to, or the run has ended."""
        connection = spare.pop() if spare else self._connection(token)
        while True:
            wait = _WAIT * random.uniform(1 - _JITTER, 1 + _JITTER)
            try:
                status, data = await connection.ask("GET", f"{path}?wait={wait:.2f}", token=token)
            except (OSError, EOFError) as error:
                self._trouble(error)
                await asyncio.sleep(_AWAY)
                continue
            self._said["signals"] += 1
            if status >= 400 or json.loads(data)["cancel"]:
                spare.append(connection)
                return

    def _trouble(self, error: BaseException) -> None:
        self._said[f"{type(error).__name__}: {str(error)[:60]}"] += 1


def _batch(head: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(head).encode()
    return len(text).to_bytes(4, "little") + text + data


def tell(**said: Any) -> None:
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(Fake(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])).run())
