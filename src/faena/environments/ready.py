"""When an environment may be used, and how a run keeps it from being pruned."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from faena.environments.folders import boot_id, envs, open_lock
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound

READY = ".ready"
"""Written last by the builder; holds a `Marker`."""
SETTLED = ".settled"
"""Written when everything in the environment has reached the disk."""
LOCK_COPY = "lock.json"


class Marker(msgspec.Struct, frozen=True):
    built_at: Micros
    seconds: float
    boot: str
    """The machine's boot in which it was built: files of an earlier one may be torn unless they were settled."""


class Held(NamedTuple):
    python: Path
    fd: int
    """The shared flock lives as long as any process has this open: let the run's guard inherit it."""


def ready_python(digest: str) -> Path | None:
    """The interpreter of a whole environment, else None. Three file reads at most."""
    folder = envs() / digest
    try:
        marker = msgspec.json.decode((folder / READY).read_bytes(), type=Marker)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
    if marker.boot != boot_id() and not (folder / SETTLED).exists():
        return None
    python = folder / "bin" / "python"
    return python if os.access(python, os.X_OK) else None


def lock_copy(digest: str) -> Path:
    """What a ready environment was made of."""
    return envs() / digests.check(digest) / LOCK_COPY


def hold_path(digest: str) -> Path:
    """The file whose flock, shared, keeps an environment from being pruned. Its time of change tells the last use."""
    return envs() / f"{digests.check(digest)}.lock"


@contextmanager
def hold(digest: str) -> Iterator[Held]:
    """Keeps a ready environment from being pruned. Raises `NotFound` where it is not ready: ensure it again."""
    fd = open_lock(hold_path(digest))
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        python = ready_python(digest)
        if python is None:
            raise NotFound(f"The environment {digest[:12]} is not built on this machine. Ask for it again.")
        os.utime(fd)  # when it was last used
        yield Held(python, fd)
    finally:
        os.close(fd)
