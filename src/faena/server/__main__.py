"""`python -m faena.server FOLDER`: the server of the workspace in FOLDER, unless another process is it already."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from faena.kernel.errors import FaenaError, WorkspaceException
from faena.kernel.presence import Rendezvous, try_lock
from faena.kernel.starting import REFUSED, refusal, tell_reason

_IDLE_SECONDS = 60.0
_LONGEST_SOCKET = 107
"""Bytes that the kernel takes as the path of a socket."""


class NotStarted(Exception):
    """Why no server can be made of this process."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause


def main() -> None:
    """The second argument, where there is one: a descriptor to say the reason by, where this cannot be the server."""
    folder = Path(sys.argv[1])
    descriptor = int(sys.argv[2]) if len(sys.argv) > 2 else None
    if descriptor is not None:
        os.set_inheritable(descriptor, False)
    try:
        _be_server(folder)
    except NotStarted as error:
        reason = refusal(error.cause, folder)
        if descriptor is not None:
            tell_reason(descriptor, reason)
        sys.stderr.write(f"{reason.message}\n")
        sys.exit(REFUSED)


def _be_server(folder: Path) -> None:
    """Silent where another process is the server already. Raises NotStarted."""
    rendezvous = Rendezvous(folder)
    try:
        lock = try_lock(rendezvous.election)
        if lock is None:
            return  # whoever started this one finds the other at the socket
        inner = _lock_inside(folder)
        listener = _listen(rendezvous.socket)  # before the slow imports: clients connect and wait
    except (OSError, FaenaError) as error:
        raise NotStarted(error) from error
    try:
        asyncio.run(_serve(folder, listener))
    except ImportError as error:  # an installation that is not whole
        raise NotStarted(error) from error
    finally:
        rendezvous.socket.unlink(missing_ok=True)
    os.close(inner)
    os.close(lock)


def _lock_inside(folder: Path) -> int:
    """A second lock in the folder itself, for hosts and containers that share it but not the runtime folder.

    Raises WorkspaceException where one of them serves the workspace.
    """
    descriptor = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise WorkspaceException(
            f"{folder} is served from another host, container or runtime folder (FAENA_RUNTIME). Stop that server "
            "first, by `faena server stop` there."
        ) from None
    except OSError:
        return descriptor  # a file system without locks: the runtime folder's lock has to do
    return descriptor


def _listen(path: Path) -> socket.socket:
    if len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise WorkspaceException(
            f"The runtime folder {path.parent} has too long a path for a socket. Set FAENA_RUNTIME to a shorter one."
        )
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(512)
    return listener


async def _serve(folder: Path, listener: socket.socket) -> None:
    from faena.server.starting import uncollected

    with uncollected():
        import uvicorn

        from faena.kernel.clock import SystemClock
        from faena.server.app import House, build_app, open_house
        from faena.server.life import Leaving, until_leaving
        from faena.workspaces.model import open_folder

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    asked = asyncio.Event()

    async def leave(house: House, server: uvicorn.Server) -> None:
        idle_seconds = float(os.environ.get("FAENA_SERVER_IDLE_SECONDS", _IDLE_SECONDS))
        reason = await until_leaving(
            asked,
            house.activity,
            lambda: house.is_idle,
            idle_seconds=idle_seconds,
            is_damaged=lambda: house.database.damage is not None,
        )
        logging.info("leaving: %s", reason)
        if reason not in (Leaving.OUTDATED, Leaving.DAMAGED):
            await house.engine.close()
        server.should_exit = True

    async with AsyncExitStack() as stack:
        try:
            house = await stack.enter_async_context(open_house(open_folder(folder), SystemClock()))
            with uncollected():
                app = build_app(house, asked.set)
        except Exception as error:
            raise NotStarted(error) from error
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=3600,
        )
        server = uvicorn.Server(config)
        leaving = asyncio.create_task(leave(house, server))
        await server.serve(sockets=[listener])
        leaving.cancel()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
