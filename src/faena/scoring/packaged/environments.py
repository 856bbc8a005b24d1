"""Makes the virtual environments of a packaged model: by uv where there is one, else by venv and pip."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_MARKER = "made-of"


class NotMade(Exception):
    """Says what is missing, and what to do."""


def ready(folder: Path, requirements: Sequence[Path], python: str, constraints: Path | None = None) -> Path:
    """The interpreter of the environment in `folder`, which is made where it is not there or is of something else.

    `python`: a version such as `3.11`, or an interpreter. Raises NotMade.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made_of = _digest(requirements, python)
    marker, interpreter = folder / _MARKER, folder / "bin" / "python"
    with _alone(folder.with_name(f"{folder.name}.lock")):
        if marker.is_file() and marker.read_text() == made_of and os.access(interpreter, os.X_OK):
            return interpreter
        print(f"Making {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        _make(folder, python)
        _install(interpreter, [path for path in requirements if path.is_file()], constraints)
        marker.write_text(made_of)
    return interpreter


def _digest(requirements: Sequence[Path], python: str) -> str:
    texts = [path.read_text() for path in requirements if path.is_file()]
    return hashlib.sha256("\0".join([python, *texts]).encode()).hexdigest()


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Two that start at once make it once."""
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(folder: Path, python: str) -> None:
    found = _interpreter(python)
    uv = shutil.which("uv")
    if uv is not None:
        _run([uv, "venv", "--quiet", "--no-project", "--python", found or python, str(folder)])
    elif found is None:
        raise NotMade(
            f"The model needs Python {python}, and there is no python{python} on the PATH. Install it, or install uv "
            "(https://docs.astral.sh/uv), which brings it."
        )
    else:
        _run([found, "-m", "venv", str(folder)])


def _interpreter(python: str) -> str | None:
    if Path(python).is_absolute():
        return python
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    named = shutil.which(f"python{python}")
    if named is None:
        return None
    asked = [named, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    return named if said.stdout.strip() == python else None


def _install(interpreter: Path, requirements: Sequence[Path], constraints: Path | None) -> None:
    uv = shutil.which("uv")
    variables = dict(os.environ)
    for path in requirements:
        if uv is not None:
            command = [uv, "pip", "install", "--quiet", "--python", str(interpreter), "--no-deps"]
            command += ["--index-strategy", "unsafe-best-match", "--requirements", path.name]
            command += [] if constraints is None else ["--build-constraints", str(constraints)]
        else:
            command = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            command += ["--no-deps", "--requirement", path.name]
            if constraints is not None:
                variables["PIP_CONSTRAINT"] = str(constraints)
        _run(command, variables, path.parent)


def _run(command: list[str], variables: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    done = subprocess.run(command, env=variables, cwd=cwd, check=False)
    if done.returncode:
        raise NotMade(f"{' '.join(command[:4])} … ended with {done.returncode}; it says above why.")
