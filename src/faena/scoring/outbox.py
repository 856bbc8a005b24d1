"""What goes to a worker's socket: at once as far as it goes, the rest when there is room."""

from __future__ import annotations

import asyncio
import socket
from collections import deque

_JOINED = 1 << 17
"""Bytes up to which pieces are copied into one write."""
_PIECES = 256


class Outbox:
    """A worker that is dead or dying takes nothing, and nobody is told here: its guard tells."""

    def __init__(self, channel: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._channel = channel
        self._loop = loop
        self._unwritten: deque[memoryview] = deque()
        self._closed = False

    def write(self, pieces: list[bytes]) -> None:
        """In one go, where the socket takes it."""
        if self._closed:
            return
        if self._unwritten or sum(map(len, pieces)) > _JOINED:
            waits = bool(self._unwritten)
            self._unwritten.extend(memoryview(piece) for piece in pieces if piece)
            if not waits:
                self._write_on()
            return
        data = b"".join(pieces)
        try:
            sent = self._channel.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return
        if sent < len(data):
            self._unwritten.append(memoryview(data)[sent:])
            self._loop.add_writer(self._channel, self._write_on)

    def close(self) -> None:
        self._closed = True
        self._unwritten.clear()
        self._loop.remove_writer(self._channel)

    def _write_on(self) -> None:
        unwritten = self._unwritten
        try:
            while unwritten:
                sent = self._channel.sendmsg([unwritten[at] for at in range(min(len(unwritten), _PIECES))])
                while sent:
                    first = unwritten[0]
                    if sent < len(first):
                        unwritten[0] = first[sent:]
                        break
                    sent -= len(first)
                    unwritten.popleft()
        except BlockingIOError:
            self._loop.add_writer(self._channel, self._write_on)
            return
        except OSError:
            unwritten.clear()
        self._loop.remove_writer(self._channel)
