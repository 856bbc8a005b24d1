"""A thread that never comes back, as of a disk that has died, does not keep the workspace from its next server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faena.kernel.discovery import is_held
from faena.kernel.settings import SERVER_LOCK
from faena.workspaces.model import create_folder

_SERVER = """
import faulthandler, threading
from faena.kernel.lanes import BYTES
from faena.server import __main__ as server
from faena.server.gateway.gateway import Gateway

leave = Gateway.leave
later = faulthandler.dump_traceback_later
armed = threading.Event()

def remembered(seconds, exit):
    later(seconds, exit=exit)
    armed.set()

async def leave_beside_a_thread_that_hangs(self):
    await leave(self)
    await BYTES.run(never_answers)

def never_answers():
    print("hangs", flush=True)
    if armed.is_set():
        later(0.1, exit=True)  # the server's own time is over: a short one might be before this thread hangs
    threading.Event().wait()

Gateway.leave = leave_beside_a_thread_that_hangs
faulthandler.dump_traceback_later = remembered
server.main()
"""


@pytest.mark.long
def test_a_server_leaves_whatever_its_threads_do(tmp_path: Path) -> None:
    folder = create_folder(tmp_path / "here", "hanging").path
    done = subprocess.run(
        [sys.executable, "-c", _SERVER, str(folder)],
        env={**os.environ, "FAENA_SERVER_IDLE_SECONDS": "0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "hangs" in done.stdout
    assert done.returncode == 1
    assert "never_answers" in done.stderr, "its log says what hung"
    assert not is_held(folder / SERVER_LOCK)
