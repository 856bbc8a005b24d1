"""`python -m faena.scoring FOLDER`: the front of the endpoint in FOLDER, unless another process is it.

With `--replace` it takes over from that one, and no request is lost. With `--wait` it does nothing until a byte on its
standard input tells it to, and leaves where that ends without one: what it is to be is on its way. SIGHUP has it read
endpoint.json again, SIGTERM has it answer what it was asked, and leave.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from faena.kernel.discovery import try_lock
from faena.kernel.errors import WebserviceException
from faena.scoring import desired, process, status
from faena.scoring.desired import Endpoint, Limits, Revision
from faena.scoring.endpoint import Start
from faena.scoring.handover import Gone
from faena.scoring.looking import LookingLoop
from faena.scoring.pool import Pool
from faena.scoring.process import Process
from faena.scoring.templates import Templates
from faena.scoring.worker import turns

_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_COLLECTED_AFTER = 50_000
"""Objects: those of a request end with it, and hold no circles."""
_log = logging.getLogger("faena.scoring")


def main() -> None:
    folder = Path(sys.argv[1])
    replaces = "--replace" in sys.argv[2:]
    if "--wait" in sys.argv[2:] and not _told():
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format=_FORM, level=logging.INFO)
    turns.be_short()
    gc.set_threshold(_COLLECTED_AFTER, 20, 50)
    lock = try_lock(folder / "front.lock")
    if lock is None and not replaces:
        _log.info("another process is the front of this endpoint")
        return
    if lock is not None:
        process.write_pid(lock)
    try:
        endpoint = desired.read(folder)
        _run(_serve(folder, endpoint, lock))
    except (WebserviceException, OSError, Gone) as error:
        _log.error("%s", error)
        if lock is not None:
            with contextlib.suppress(OSError):
                process.refuse(folder, str(error))
        sys.exit(1)


def _told() -> bool:
    """Once whoever started it says so; False where that one has no need of it, or is gone."""
    with contextlib.suppress(OSError):
        told = os.read(0, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        return bool(told)
    return False


def _run(serving: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=LookingLoop) as runner:
        runner.run(serving)


async def _serve(folder: Path, endpoint: Endpoint, lock: int | None) -> None:
    made = Process(folder, endpoint, lock, _starting(folder))
    if lock is None:
        await made.take_over()
    else:
        await _begin(made, folder, endpoint)
    gc.collect()
    gc.freeze()  # what is there now stays
    await made.run()


async def _begin(made: Process, folder: Path, endpoint: Endpoint) -> None:
    """At the port that was asked for; else at the one that it had before, unless somebody else has that."""
    said = status.read(folder)
    before = endpoint.last_port if said is None or said.port is None else said.port
    if endpoint.port or before is None:
        return await made.begin(endpoint.port)
    try:
        return await made.begin(before)
    except OSError as error:
        _log.warning("port %d, which the endpoint had, is taken: %s", before, os.strerror(error.errno or 0))
        return await made.begin(0)


def _starting(folder: Path) -> Start:
    is_a_workspaces = folder.absolute().parent.name == "endpoints"
    templates = Templates(folder, folder.absolute().parent / ".templates" if is_a_workspaces else None)

    def start(revision: Revision, limits: Limits, changed: Callable[[], None]) -> Pool:
        return Pool(revision, limits, folder / "logs", changed, templates)

    return start


if __name__ == "__main__":
    main()
