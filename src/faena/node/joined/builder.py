"""The interpreter that builds environments: it needs uv and two small packages, which a runner does without.

Where Faena is installed it is this one. A runner that came as a file brings a list of what is missing, which is
installed beside it when the first environment is to be built.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from faena.kernel import settings
from faena.kernel.discovery import child_environment
from faena.kernel.errors import EnvironmentBuildException

LIST = Path(__file__).with_name("builder.txt")
"""Requirements with versions; only in a runner that is a file."""
_PATIENCE = 600.0
_TOLD = 600


def builder_python() -> str:
    """Its path. May install what it needs, which takes some seconds once. Raises EnvironmentBuildException, OSError."""
    try:
        wanted = LIST.read_text()
    except FileNotFoundError:
        return sys.executable
    name = hashlib.sha256(f"{wanted}\n{sys.executable}\n{sys.version}".encode()).hexdigest()[:16]
    place = settings.home() / "builders" / name
    place.parent.mkdir(mode=0o700, exist_ok=True)
    ready = place / ".ready"
    with place.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            shutil.rmtree(place, ignore_errors=True)
            _run(sys.executable, "-m", "venv", place)
            _run(place / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check", "-r", LIST)
            ready.touch()
    return str(place / "bin" / "python")


def _run(*command: str | Path) -> None:
    said = ""
    with contextlib.suppress(subprocess.TimeoutExpired):
        found = subprocess.run(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE,
            check=False,
            cwd="/",
            env=child_environment(),
        )
        if found.returncode == 0:
            return
        said = found.stdout[-_TOLD:].decode("utf-8", "replace").strip()
    wanted = " ".join(LIST.read_text().split())
    raise EnvironmentBuildException(
        f"What builds environments ({wanted}) cannot be installed for {sys.executable}: {said}\n"
        "Let the node reach a package index, or give the run an interpreter that is there."
    )
