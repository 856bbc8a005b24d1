"""`python -m faena.server FOLDER`: the server of the workspace in FOLDER, unless another process is it already."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from faena.kernel.errors import WorkspaceException
from faena.kernel.presence import REFUSED, Rendezvous, try_lock

_IDLE_SECONDS = 60.0


def main() -> None:
    folder = Path(sys.argv[1])
    rendezvous = Rendezvous(folder)
    lock = try_lock(rendezvous.election)
    if lock is None:
        return  # another one is the server; whoever started this one finds it at the socket
    inner = _lock_inside(folder)
    if inner is None:
        sys.exit(f"{folder} is served from another host or container. Stop that server first.")
    listener = _listen(rendezvous.socket)  # before the slow imports: clients connect and wait
    try:
        asyncio.run(_serve(folder, listener))
    except WorkspaceException as error:
        rendezvous.socket.unlink(missing_ok=True)
        sys.stderr.write(f"{error.message}\n")
        sys.exit(REFUSED)
    rendezvous.socket.unlink(missing_ok=True)
    os.close(inner)
    os.close(lock)


def _lock_inside(folder: Path) -> int | None:
    """A second lock in the folder itself, for hosts and containers that share it but not the runtime folder."""
    descriptor = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        return descriptor  # a file system without locks: the runtime folder's lock has to do
    return descriptor


def _listen(path: Path) -> socket.socket:
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
        reason = await until_leaving(asked, house.activity, lambda: house.is_idle, idle_seconds=idle_seconds)
        logging.info("leaving: %s", reason)
        if reason is not Leaving.OUTDATED:
            await house.engine.close()
        server.should_exit = True

    async with open_house(open_folder(folder), SystemClock()) as house:
        with uncollected():
            app = build_app(house, asked.set)
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
