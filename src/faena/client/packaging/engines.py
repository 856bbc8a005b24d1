"""Image builders of this machine: docker, podman or buildah, where one of them works."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from faena.kernel.errors import WebserviceException

_ENGINES = {
    "docker": (["info"], ["build"]),
    "podman": (["info"], ["build"]),
    "buildah": (["version"], ["build", "--isolation", "chroot", "--network", "host"]),
}
"""What says whether it works, and what builds."""
_PATIENCE = 20.0


def build(folder: Path, image: str, log: Callable[[str], None]) -> None:
    """Build the image of a package. Raises WebserviceException where there is no engine, and where it fails."""
    engine = found()
    if engine is None:
        raise WebserviceException(
            "An image needs docker, podman or buildah, and none of them works on this machine. Save the package with "
            "save(folder): `./serve` in it serves without an image, and its Dockerfile builds one elsewhere."
        )
    command = [engine, *_ENGINES[Path(engine).name][1], "--tag", image, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            log(line)
    if process.returncode:
        raise WebserviceException(
            f"{Path(engine).name} could not build {image}: it ended with {process.returncode}."
        )


def found() -> str | None:
    """The first that works: a client whose daemon does not run builds nothing."""
    for name, (asked, _) in _ENGINES.items():
        path = shutil.which(name)
        if path is not None and _works([path, *asked]):
            return path
    return None


def _works(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
