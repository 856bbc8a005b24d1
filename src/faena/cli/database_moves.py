"""Databases that go from a workspace's folder to PostgreSQL, by a process that has the server's rooms."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from faena.kernel.discovery import child_environment
from faena.kernel.errors import WorkspaceException


def checked(database: str | None) -> str:
    """The URL that was given, or the environment's; empty where there is none. Raises UserErrorException."""
    from faena.people.settings import read

    return read(os.environ, None, {"database": database} if database else {}).database


def move(folder: Path, url: str) -> int:
    """How many rows the database has then; `folder`: the `.faena` folder. Raises WorkspaceException."""
    from faena.people.settings import PREFIX

    program = [sys.executable, "-P", "-m", "faena.server.database_move", str(folder)]
    environment = {name: value for name, value in child_environment().items() if not name.startswith(PREFIX)}
    done = subprocess.run(
        program,
        env=environment | {f"{PREFIX}DATABASE": url},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"]
        raise WorkspaceException(said[-1])
    return int(done.stdout)
