"""Objects that go from a workspace's folder to a bucket and back, by a process that has the server's rooms."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from faena.kernel.discovery import child_environment
from faena.kernel.errors import WorkspaceException


class Moved(Struct, frozen=True):
    objects: int
    size: int
    brought: int
    damaged: tuple[str, ...]


def checked(url: str | None) -> str:
    """The URL that was given, or the environment's; empty where there is none. Raises UserErrorException."""
    from faena.people.settings import read

    return read(os.environ, None, {"objects": url} if url else {}).objects


def move(folder: Path, url: str, tell: Callable[[Moved], None], *, leave_damaged: bool) -> Moved:
    """`folder`: the `.faena` folder; `url`: empty to bring them there. Raises WorkspaceException."""
    from faena.people.settings import PREFIX

    program = [sys.executable, "-P", "-m", "faena.server.objects_move", str(folder)]
    environment = {name: value for name, value in child_environment().items() if not name.startswith(PREFIX)}
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [*program, *(["--leave-damaged"] if leave_damaged else [])],
            env=environment | ({f"{PREFIX}OBJECTS": url} if url else {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
        ) as process,
    ):
        assert process.stdout is not None
        found = None
        for line in process.stdout:
            found = msgspec.json.decode(line, type=Moved)
            tell(found)
        if process.wait() or found is None:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()
            raise WorkspaceException(lines[-1] if lines else f"its process ended with {process.returncode}")
    return found
