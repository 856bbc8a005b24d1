"""Where templates of one front are found by the others of a workspace: a socket for each, in a folder of theirs."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path

from faena.scoring.handover import short_path

_log = logging.getLogger(__name__)


def connected(folder: Path, name: str) -> socket.socket:
    """To the template of that name. Raises OSError where there is none."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        with short_path(folder) as short:
            made.connect(f"{short}/{name}")
    except BaseException:
        made.close()
        raise
    return made


def listener(folder: Path, name: str) -> socket.socket | None:
    """Where a template is to be found from now on, in the place of an earlier one. None where that cannot be."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with short_path(folder) as short:
            made.bind(f"{short}/{name}.{os.getpid()}")
            made.listen(16)
            (folder / f"{name}.{os.getpid()}").rename(folder / name)
    except OSError as error:
        _log.warning("templates are not lent to other endpoints: %s", error)
        made.close()
        return None
    return made
