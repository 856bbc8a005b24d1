"""How a front gives its place to a new one: the listening socket first, then each connection between two requests.

The two speak through a socket in the endpoint's folder, in messages with descriptors beside them:

| who | says | with | which means |
|---|---|---|---|
| new | `take` | | are you there? |
| old | `listener` | listening socket | start your workers |
| new | `ready` | | it accepts connections, and its workers answer |
| old | `lock` | the lock file | I accept no more; you are the front |
| old | `connection` | a client's | it is between two requests, and has every byte of its answers |
| old | `recent` | | how my counts were in the last minutes; as often as it takes |
| old | `counts` | | I have answered all; what I counted |

A client notices nothing: its connection was never closed, and what it has sent waits in it. Until `ready` is said,
nothing has changed: where the new one does not come up, it leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

SOCKET = "front.sock"
TAKE, LISTENER, READY, LOCK, CONNECTION, RECENT, COUNTS = (
    *(b"take", b"listener", b"ready"),
    *(b"lock", b"connection", b"recent", b"counts"),
)
_LONGEST = 1 << 20
_PAUSE = 0.002
_PATIENCE = 30.0


class Gone(Exception):
    """The other side has left, or says what it should not."""


def listen(folder: Path) -> sockets.socket:
    """Where the next front asks. Raises OSError."""
    made = sockets.socket(sockets.AF_UNIX, sockets.SOCK_SEQPACKET)
    try:
        (folder / SOCKET).unlink(
            missing_ok=True
        )  # of a front that was killed: whoever is the front holds the lock
        with short_path(folder) as short:
            made.bind(f"{short}/{SOCKET}")
        made.listen(1)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


async def connected(folder: Path) -> sockets.socket:
    """To the front that runs; one that has just taken over listens a little later. Raises Gone."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + _PATIENCE
    while True:
        try:
            return _connect(folder)
        except OSError as error:
            if loop.time() > ends:
                raise Gone(f"no front listens at {folder / SOCKET}: {error}") from error
        await asyncio.sleep(0.05)


def _connect(folder: Path) -> sockets.socket:
    """Raises OSError where no front listens."""
    made = sockets.socket(sockets.AF_UNIX, sockets.SOCK_SEQPACKET)
    try:
        with short_path(folder) as short:
            made.connect(f"{short}/{SOCKET}")
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


class Channel:
    """One side of the conversation."""

    def __init__(self, socket: sockets.socket) -> None:
        self._socket = socket
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        self._socket.close()

    async def send(self, message: bytes, descriptor: int | None = None) -> None:
        """Raises Gone."""
        descriptors = [] if descriptor is None else [descriptor]
        while True:
            try:
                sockets.send_fds(self._socket, [message], descriptors)
            except BlockingIOError:
                await asyncio.sleep(_PAUSE)
            except OSError as error:
                raise Gone(str(error)) from error
            else:
                return

    async def receive(self) -> tuple[bytes, int | None]:
        """A message, and the descriptor that came with it. Raises Gone."""
        while True:
            try:
                message, descriptors, flags, _ = sockets.recv_fds(self._socket, _LONGEST, 1)
            except BlockingIOError:
                await self._readable()
                continue
            except OSError as error:
                raise Gone(str(error)) from error
            if not message or flags & (sockets.MSG_TRUNC | sockets.MSG_CTRUNC):
                for each in descriptors:
                    os.close(each)
                raise Gone("it has left")
            return message, descriptors[0] if descriptors else None

    async def expect(self, wanted: bytes) -> int | None:
        """The descriptor that came with it. Raises Gone."""
        message, descriptor = await self.receive()
        if message != wanted:
            if descriptor is not None:
                os.close(descriptor)
            raise Gone(f"it said {message[:40]!r} where {wanted!r} was expected")
        return descriptor

    async def expect_descriptor(self, wanted: bytes) -> int:
        descriptor = await self.expect(wanted)
        if descriptor is None:
            raise Gone(f"{wanted!r} came without a descriptor")
        return descriptor

    async def _readable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()

        def tell() -> None:
            if not ready.done():
                ready.set_result(None)

        self._loop.add_reader(self._socket, tell)
        try:
            await ready
        finally:
            self._loop.remove_reader(self._socket)


@contextlib.contextmanager
def short_path(folder: Path) -> Iterator[str]:
    """A path for the folder that is short enough for a socket's address, however long its own is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
