"""A shared server takes the place of one that a command, or a runner, has started in the background."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from faena.kernel.discovery import Rendezvous, try_lock
from faena.kernel.errors import WorkspaceException
from faena.server.election import Leadership

LOCK = "shared.lock"
_PATIENCE_S = 60.0
_ASK_AGAIN_S = 2.0
_LOOK_S = 0.02
_STOP = "POST /stop{} HTTP/1.1\r\nHost: faena\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def take_over(folder: Path) -> Leadership:
    """Ask the server that is there to leave, and be the next one before anybody starts another.

    Raises WorkspaceException where it does not leave, or is a shared one itself; OSError.
    """
    if (shared := try_lock(folder / LOCK)) is None:  # held as long as this process lives
        raise WorkspaceException(
            f"`faena server run` serves the workspace in {folder.parent} already. End that one first."
        )
    until, asked = time.monotonic() + _PATIENCE_S, 0.0
    while (leadership := Leadership.take(folder)) is None:
        now = time.monotonic()
        if now > until:
            raise WorkspaceException(
                f"Another process is the server of {folder.parent}, and has not left for {_PATIENCE_S:g} s."
            )
        if now - asked > _ASK_AGAIN_S:
            asked = now
            with contextlib.suppress(OSError):
                ask_to_leave(folder)
        time.sleep(_LOOK_S)
    leadership.shared = shared
    return leadership


def ask_to_leave(folder: Path, *, unless_shared: bool = False) -> None:
    """`unless_shared`: one that people reach stays, also where it has only begun to start."""
    with Rendezvous(folder).connect(_ASK_AGAIN_S) as connection:
        connection.sendall(_STOP.format("?unless_shared=true" if unless_shared else "").encode())
        connection.recv(1)
