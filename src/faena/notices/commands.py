"""Runs the command of somebody who is on the server's host."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping

from faena.notices.failures import NotBrought
from faena.notices.messages import Message

_LONGEST_S = 60.0
_KEPT = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
)
"""What it has of the server's environment: what a notice on a desktop needs, and no secret."""


def run(command: str, message: Message, environment: Mapping[str, str] = os.environ) -> None:
    """By the shell, with what there is to say as JSON on its input. Raises NotBrought."""
    told = message.values["run"]
    variables = {name: environment[name] for name in _KEPT if name in environment} | {
        "FAENA_NOTICE": message.values["id"],
        "FAENA_TEXT": message.title,
        "FAENA_RUN": told["id"],
        "FAENA_STATUS": told["status"],
        "FAENA_EXPERIMENT": told["experiment"],
    }
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=variables,
        cwd=variables.get("HOME", "/"),
        start_new_session=True,
    )
    try:
        process.communicate(message.json, timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise NotBrought(f"the command took more than {_LONGEST_S:g} s, and was ended") from None
    if process.returncode:
        raise NotBrought(f"the command ended with {process.returncode}")
