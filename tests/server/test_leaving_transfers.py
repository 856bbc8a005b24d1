"""What a listener that leaves waits for, and what it tells those who keep their connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from faena.server.listener.bounds import Bounds
from faena.server.listener.large_body import LARGE
from faena.server.listener.leaving import OpenRequests, sent_on
from faena.server.listener.protocol import bounded
from faena.server.listener.second import SecondServer

BOUNDS = Bounds(connections=6, head_bytes=2000, address_bytes=500)
PATIENCE = 60.0


class Application:
    """Reads the body of a PUT; sends twice `LARGE` bytes to a GET, the second half once it `may_go_on`."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        size = 2 * LARGE if scope["method"] == "GET" else 2
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"%d" % size)],
            }
        )
        if scope["method"] == "GET":
            await send({"type": "http.response.body", "body": bytes(LARGE), "more_body": True})
            await self.may_go_on.wait()
            await send({"type": "http.response.body", "body": bytes(LARGE)})
        else:
            await send({"type": "http.response.body", "body": b"OK"})


@asynccontextmanager
async def listening(application: Application) -> AsyncIterator[tuple[SecondServer, int]]:
    place = socket.create_server(("127.0.0.1", 0))
    requests = OpenRequests()
    config = uvicorn.Config(
        sent_on(application, requests),
        http=bounded(BOUNDS),
        lifespan="off",
        ws="none",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = SecondServer(config, requests=requests)
    serving = asyncio.create_task(server.serve(sockets=[place]))
    while not server.started:
        await asyncio.sleep(0)
    try:
        async with asyncio.timeout(PATIENCE):
            yield server, place.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


def test_large_uploads_and_downloads_are_waited_for_and_small_ones_are_not() -> None:
    async def scenario() -> None:
        application = Application()
        async with listening(application) as (server, port):
            idle = await asyncio.open_connection("127.0.0.1", port)
            idle[1].write(b"PUT / HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n12345678")
            await server.until_nothing_moves(PATIENCE)

            up = await asyncio.open_connection("127.0.0.1", port)
            up[1].write(b"PUT / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % (2 * LARGE))
            down = await asyncio.open_connection("127.0.0.1", port)
            down[1].write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            await down[0].readuntil(b"\r\n\r\n")
            while sum(each.is_moving for each in server.server_state.connections) < 2:  # type: ignore[union-attr]  # ours
                await asyncio.sleep(0)
            waiting = asyncio.create_task(server.until_nothing_moves(PATIENCE))
            up[1].write(bytes(2 * LARGE))
            assert b"200" in await up[0].readline()
            assert not waiting.done()
            application.may_go_on.set()
            await down[0].readexactly(2 * LARGE)
            await waiting
            for _, writer in (idle, up, down):
                writer.close()

    asyncio.run(scenario())


def test_whoever_keeps_a_connection_is_told_to_connect_anew() -> None:
    """Else they would ask at it in the moment in which it is closed."""

    async def scenario() -> None:
        application = Application()
        async with listening(application) as (server, port):
            down = await asyncio.open_connection("127.0.0.1", port)
            down[1].write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            await down[0].readuntil(b"\r\n\r\n")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)

            async def ask() -> bytes:
                writer.write(b"PUT / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                return head.lower()

            assert b"connection: close" not in await ask()
            server.should_exit = True
            while server.servers[0].is_serving():
                await asyncio.sleep(0)
            assert b"connection: close" in await ask()
            assert await reader.read() == b""
            application.may_go_on.set()
            await down[0].readexactly(2 * LARGE)
            for each in (writer, down[1]):
                each.close()

    asyncio.run(scenario())
