"""`python fork_server.py LIFE`: forks what tests start, with its modules loaded, for tests/forked_starts.py.

It leaves when the other end of LIFE is closed, and those of all who have joined. It listens, so that servers which it
has forked get their runners from it, too. A message is what `start_module` was given, with the descriptors that the
process is to have; the answer is its id, with a descriptor that tells of its end.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlalchemy.dialects import sqlite

from faena.db import schema
from faena.kernel import discovery
from faena.testing.command_lines import show

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.forked_starts import BUILDER, LONGEST, PATIENCE_S, SAMPLER, STAY, ForkedStarts

del sys.path[0]
_LOADED = (
    "anyio._backends._asyncio",
    "litestar._kwargs",
    "litestar.exceptions.responses",
    "litestar.middleware._internal.exceptions.middleware",
    "litestar.middleware.allowed_hosts",
    "litestar.middleware.csrf",
    "litestar.middleware.response_cache",
    "numpy",
    "uvicorn",
    "uvicorn.lifespan.off",
    "faena.server.__main__",
    "faena.server.application",
    "faena.server.lifetime",
    "faena.server.listener.bounds",
    "faena.server.listener.protocol",
    "faena.server.listener.quiet",
    "faena.server.listener.repeats",
    "faena.server.starting",
    "faena.workspaces.identity",
    "faena.compute.routes",
    "faena.data.routes",
    "faena.endpoints.routes",
    "faena.models.live",
    "faena.models.routes",
    "faena.objects.routes",
    "faena.portable.routes",
    "faena.runs.engine.routes",
    "faena.runs.routes",
    "faena.search.routes",
    "faena.sweeps.routes",
    "faena.tidying.routes",
    "faena.node.__main__",
    "faena.node.hints",
    "faena.node.hints.reading",
    "faena.node.hints.world",
    "faena.node.work",
    "faena.scoring.__main__",
    f"{BUILDER}.__main__",
    SAMPLER,
)
"""What each of these processes loads, and what most servers are asked for."""


def _serve(life: socket.socket, listener: socket.socket) -> dict[str, Any] | None:
    """Fork until there is nobody to ask for it: None then, and in a fork what it was asked for."""
    codes: dict[int, int] = {}
    lives = [life]
    while lives:
        ready, _, _ = select.select([*lives, listener], [], [])
        for each in ready:
            if each is not listener:  # its other end is closed
                lives.remove(each)
                each.close()
        if listener not in ready:
            continue
        connection, _ = listener.accept()
        with contextlib.ExitStack() as closing:
            closing.enter_context(connection)
            connection.settimeout(PATIENCE_S)
            try:
                message, descriptors, _, _ = socket.recv_fds(connection, LONGEST, 8)
                asked = json.loads(message) if message else None
                if asked == STAY:
                    connection.send(b"1")
                    lives.append(connection)
                    closing.pop_all()
                elif isinstance(asked, int):
                    connection.send(str(_code_of(asked, codes)).encode())
                elif asked is not None:
                    if (pid := os.fork()) == 0:
                        for each in (*lives, listener):
                            each.close()
                        return {**asked, "descriptors": descriptors}
                    end = os.pidfd_open(pid)  # it is not collected before it is asked for: the id is its own
                    descriptors.append(end)
                    socket.send_fds(connection, [str(pid).encode()], [end])
            except OSError as error:
                print(f"somebody who wanted a process has left: {error}", file=sys.stderr, flush=True)
            for descriptor in descriptors:
                os.close(descriptor)
    return None


def _code_of(pid: int, codes: dict[int, int]) -> int:
    if pid not in codes:
        codes[pid] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return codes[pid]


def _become(asked: dict[str, Any]) -> None:
    """In the fork: have what a process of its own would begin with."""
    os.setsid()
    os.chdir("/")
    output, *passed = asked["descriptors"]
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    for descriptor, number in zip(passed, asked["passed"], strict=True):
        if descriptor != number:
            os.dup2(descriptor, number)
            os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["environment"])
    show([sys.executable, "-P", "-m", asked["module"], *asked["arguments"]], asked["environment"])
    time.tzset()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.argv[1:] = asked["arguments"]


def _main() -> None:
    life = socket.socket(fileno=int(sys.argv[1]))
    life.set_inheritable(False)
    address = f"faena-tests-{os.getpid()}-{os.urandom(8).hex()}"
    starts = ForkedStarts(discovery.start_module, address=address)
    discovery.start_module = starts.start_module
    for name in _LOADED:
        import_module(name)
    from faena.server import application

    tenant = application.Tenant()
    app = application.app_for(tenant)
    app.make_all()
    schema.statements(sqlite.dialect())  # a new workspace costs twice as much where it puts them together
    for route in app.routes:  # else a model's annotations are read at its first request
        for handler in getattr(route, "route_handlers", ()):
            msgspec.json.Decoder(handler.signature_model)

    def build_app(*given: Any) -> Any:
        """A process has one server."""
        tenant.move_in(*given)
        return app

    application.build_app = cast(Any, build_app)
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise RuntimeError("A module starts a thread, which forks would lack.")
    gc.collect()
    gc.freeze()  # what is loaded is shared with the forks for good
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(f"\0{address}")
        listener.listen(128)
        life.send(address.encode())
        asked = _serve(life, listener)
    if asked is not None:
        asyncio.create_subprocess_exec = starts.create_subprocess_exec
        _become(asked)
        module = asked["module"]
        _leave(_status_of(import_module(module if module == SAMPLER else f"{module}.__main__").main))


def _status_of(main: Callable[[], int | None]) -> int:
    """What the interpreter would make of how this ends."""
    try:
        return main() or 0
    except SystemExit as error:
        if isinstance(error.code, int | None):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except BaseException:  # noqa: BLE001  as the interpreter does
        traceback.print_exc()
        return 1


def _leave(status: int) -> None:
    """As the interpreter would, but for taking apart all that is loaded, which no longer would be shared: 0.1 s."""
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    _main()
