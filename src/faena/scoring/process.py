"""The process of a front: what it reads, how it listens, when it changes, and how it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket as sockets
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec

from faena.kernel import clock, rotating
from faena.kernel.discovery import names_file
from faena.kernel.errors import WebserviceException
from faena.kernel.installation import installed
from faena.scoring import desired, handover, status
from faena.scoring.desired import Endpoint, Tls
from faena.scoring.endpoint import Revisions, Start
from faena.scoring.front import Front
from faena.scoring.handover import Channel, Gone
from faena.scoring.history import History
from faena.scoring.holds import Holds
from faena.scoring.http.bounds import Bounds
from faena.scoring.http.listener import Listener, adopted, bind, context
from faena.scoring.keeping import Keeping
from faena.scoring.metrics import Metrics
from faena.scoring.status import Failure, State, Status
from faena.scoring.status_file import StatusFile
from faena.scoring.successor import Successor

_log = logging.getLogger(__name__)
LOG = "front.log"
_ROUND_SECONDS = 10.0
_GRACE_SECONDS = 5.0
"""Beyond the time-out of a request, for a front that leaves."""


class Process:
    """Belongs to one event loop. `lock`: the descriptor that holds it, None until an older front gives it."""

    def __init__(self, folder: Path, endpoint: Endpoint, lock: int | None, start: Start) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._lock = lock
        self._installation = installed() or ""
        self._started_at = clock.iso(clock.SystemClock().now())
        self._metrics = Metrics()
        self._revisions = Revisions(start, self._metrics, self._changed)
        self._history = History(self._metrics, self._revisions.scorers, self._gauges)
        self._front = Front(endpoint, self._revisions, self._metrics, self._gauges, self._history)
        self._keep(endpoint)
        self._holds = Holds()
        self._listener = Listener(self._front, Bounds.of(endpoint.limits))
        self._socket: sockets.socket | None = None
        self._tls: Tls | None = None
        self._status = StatusFile(folder, self._look)
        self._error: Failure | None = None
        self._leaving = asyncio.Event()
        self._again = asyncio.Event()
        self._settled = asyncio.Event()
        self._taking: asyncio.Task[None] | None = None
        """Connections from the front before."""
        self._tasks: list[asyncio.Task[None]] = []

    # The two ways to begin

    async def begin(self, port: int) -> None:
        """Listen, and start the workers. Raises WebserviceException and OSError."""
        self._socket = bind(self._endpoint.host, port)
        await self._listen(context(self._endpoint.tls))
        self._status.start()
        self._hold(self._endpoint)
        self._revisions.want(self._endpoint)

    async def take_over(self) -> None:
        """Do as the front that runs does, and then in its place. Raises Gone and WebserviceException."""
        channel = Channel(await handover.connected(self._folder))
        try:
            await channel.send(handover.TAKE)
            descriptor = await channel.expect_descriptor(handover.LISTENER)
            self._socket = adopted(descriptor)
            tls = context(self._endpoint.tls)
            self._hold(self._endpoint)
            self._revisions.want(self._endpoint)
            await self._settled.wait()
            if not self._revisions.serving:
                failure = self._revisions.state()[1]
                raise WebserviceException(failure.message if failure else "The workers did not start.")
            await self._listen(tls)
            await channel.send(handover.READY)
            self._lock = await channel.expect_descriptor(handover.LOCK)
        except BaseException:
            self._revisions.kill()
            self._listener.stop_listening()
            channel.close()
            raise
        write_pid(self._lock)
        self._status.start()
        _log.info("took over from the front before")
        self._again.set()  # what changed meanwhile was told to the other
        self._taking = asyncio.get_running_loop().create_task(self._take_connections(channel))

    async def _take_connections(self, channel: Channel) -> None:
        kept: list[bytes] = []
        with contextlib.suppress(Gone), contextlib.closing(channel):
            while True:
                message, descriptor = await channel.receive()
                if message == handover.CONNECTION and descriptor is not None:
                    await self._listener.adopt(sockets.socket(fileno=descriptor))
                elif message.startswith(handover.COUNTS):
                    self._metrics.add(msgspec.json.decode(message[len(handover.COUNTS) :]))
                    self._history.take(kept)
                elif message.startswith(handover.RECENT):
                    kept.append(message[len(handover.RECENT) :])

    # What goes on

    async def run(self) -> None:
        """Until it is to leave, and has answered what it was asked."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self._again.set)
        loop.add_signal_handler(signal.SIGTERM, self._leaving.set)
        self._spawn(self._read_again())
        self._spawn(self._look_around())
        self._spawn(self._history.keep())
        successor = Successor(self._folder, self._lock_of, self._socket_of)
        self._spawn(self._wait_for(successor))
        leaving = loop.create_task(self._leaving.wait())
        taken = loop.create_task(successor.ready.wait())
        await asyncio.wait([leaving, taken], return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        taken.cancel()
        if successor.ready.is_set():
            await self._give(successor)
            return
        _log.info("leaving: what has been asked is answered first")
        seconds = self._endpoint.limits.timeout_s + _GRACE_SECONDS
        await self._listener.drain(seconds)
        await self._end_workers(seconds)
        await self._drain_kept()
        for task in self._tasks:
            task.cancel()
        await self._status.stop()

    async def _wait_for(self, successor: Successor) -> None:
        """Once this one has everything of the front before it: what comes later could not be passed on."""
        if self._taking is not None:
            await asyncio.wait([self._taking])
        await successor.wait()

    async def _give(self, successor: Successor) -> None:
        """Everything that clients have here to a front that is ready."""
        await self._status.stop()  # it is the other's from now on
        seconds = self._endpoint.limits.timeout_s + _GRACE_SECONDS
        self._listener.stop_listening()
        with contextlib.suppress(Gone):
            await successor.give_place()
            await successor.give_connections(self._listener, seconds, handed=self._endpoint.tls is None)
            await self._end_workers(_GRACE_SECONDS)
            await successor.tell(self._history.dump(), self._metrics.dump())
        await self._drain_kept()
        for task in self._tasks:
            task.cancel()

    async def _drain_kept(self) -> None:
        if self._front.keeping is not None:
            await self._front.keeping.drain()

    async def _end_workers(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._revisions.drain(), seconds)
        except TimeoutError:
            self._revisions.kill()

    async def _read_again(self) -> None:
        """When somebody says that endpoint.json has changed."""
        while True:
            await self._again.wait()
            self._again.clear()
            try:
                endpoint = await asyncio.to_thread(desired.read, self._folder)
                await self._be(endpoint)
                self._error = None
            except (WebserviceException, OSError) as error:
                _log.error("nothing has been changed: %s", error)
                self._error = Failure(str(error))
            self._changed()

    async def _be(self, endpoint: Endpoint) -> None:
        """Raises WebserviceException and OSError, and is as before then."""
        before = self._endpoint
        moved = endpoint.host != before.host or endpoint.port not in (0, before.port, self._port)
        if moved:
            tls = context(endpoint.tls)
            socket = bind(endpoint.host, endpoint.port or self._port or 0)
            self._listener.stop_listening()
            assert self._socket is not None
            self._socket.close()
            self._socket = socket
            await self._listen(tls)
        elif (
            endpoint.tls is not None or before.tls is not None
        ):  # the same files may hold another certificate
            tls = context(endpoint.tls)
            self._listener.stop_listening()
            await self._listen(tls)
        self._endpoint = endpoint
        self._front.configure(endpoint)
        self._keep(endpoint)
        self._hold(endpoint)
        self._listener.rebound(Bounds.of(endpoint.limits))
        self._revisions.want(endpoint)

    def _hold(self, endpoint: Endpoint) -> None:
        self._holds.want({each.hold for each in endpoint.revisions if each.hold})

    def _keep(self, endpoint: Endpoint) -> None:
        """Requests with their answers, where that is asked for."""
        keeping = self._front.keeping
        if not endpoint.keep_requests:
            self._front.keeping = None
        elif keeping is None:
            self._front.keeping = Keeping(self._folder, endpoint.keep_requests)
        else:
            keeping.share = endpoint.keep_requests

    async def _listen(self, tls: ssl.SSLContext | None) -> None:
        """With a descriptor of its own: ours stays open, so that nobody who connects meanwhile is refused."""
        assert self._socket is not None
        ours = self._socket
        socket = sockets.socket(ours.family, ours.type, sockets.IPPROTO_TCP, fileno=os.dup(ours.fileno()))
        await self._listener.listen(socket, tls)

    async def _look_around(self) -> None:
        """Is the folder still ours? And logs do not grow without end."""
        log = self._folder / "logs" / LOG
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(_rotate, log)
            if self._lock is not None:
                with contextlib.suppress(OSError):
                    write_pid(self._lock)  # by which it is told and ended: somebody may have emptied the file
            if self._lock is not None and not await asyncio.to_thread(
                names_file, self._folder / "front.lock", self._lock
            ):
                _log.info("the endpoint's folder has been moved or removed")
                self._leaving.set()

    # How it is

    @property
    def _port(self) -> int | None:
        return None if self._socket is None else int(self._socket.getsockname()[1])

    def _gauges(self) -> tuple[int, int]:
        return len(self._listener.connections), self._listener.shared.left_early

    def _changed(self) -> None:
        if self._revisions.is_settled:
            self._settled.set()
        self._status.changed()

    def _look(self) -> Status:
        state, failure = self._revisions.state()
        return Status(
            pid=os.getpid(),
            started_at=self._started_at,
            port=self._port,
            state=state,
            error=failure or self._error,
            serving=sorted(self._revisions.serving),
            revisions=self._revisions.statuses(),
            installation=self._installation,
        )

    def _lock_of(self) -> int:
        assert self._lock is not None
        return self._lock

    def _socket_of(self) -> sockets.socket:
        assert self._socket is not None
        return self._socket

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))


def refuse(folder: Path, message: str) -> None:
    """Tell that this endpoint cannot be served; raises OSError."""
    before = status.read(folder)
    now = clock.iso(clock.SystemClock().now())
    failed = Status(pid=os.getpid(), started_at=now, port=None, state=State.FAILED, error=Failure(message))
    if before is None or before.error != failed.error or before.state != State.FAILED:
        status.write(folder, failed)


def write_pid(lock: int) -> None:
    """Into the lock file, which is how the server finds its front."""
    os.pwrite(lock, b"%-19d\n" % os.getpid(), 0)  # always as long, so that nobody reads half of one


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > rotating.MOST_BYTES:
        rotating.rotate(log)
