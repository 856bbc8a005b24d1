"""What stands in front of several processes: passes bytes on to one that takes connections, as a balancer does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

_CHUNK = 1 << 16
_PATIENCE_S = 2.0


class Balancer:
    """Each connection goes to the next of `ports` that takes it, and is closed where none does."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.port = 0
        self._turn = count()
        self._loop = asyncio.new_event_loop()
        self._begun = threading.Event()
        self._ends: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))

    def begin(self) -> None:
        self._thread.start()
        self._begun.wait(10)

    def end(self) -> None:
        assert self._ends is not None
        self._loop.call_soon_threadsafe(self._ends.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        self._ends = asyncio.Event()
        listener = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = listener.sockets[0].getsockname()[1]
        self._begun.set()
        await self._ends.wait()
        listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            if (there := await self._connected()) is not None:
                back, forth = there
                try:
                    await asyncio.gather(_copy(reader, forth), _copy(back, writer))
                finally:
                    forth.close()
        writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = next(self._turn)
        for place in range(len(self.ports)):
            port = self.ports[(first + place) % len(self.ports)]
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    return await asyncio.open_connection("127.0.0.1", port)
        return None


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """What ends one way ends both, as when a process has died."""
    with suppress(OSError):
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
    target.close()


@contextmanager
def balancing(ports: list[int]) -> Iterator[Balancer]:
    made = Balancer(ports)
    made.begin()
    try:
        yield made
    finally:
        made.end()
