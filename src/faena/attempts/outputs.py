"""How a run comes to have what its script leaves in ./outputs and ./logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from faena.attempts.api import ServerApi
from faena.attempts.key import AttemptKey
from faena.kernel.errors import StorageFull

_FULL_DISK_PAUSE = 1.0

T = TypeVar("T")


def insist(step: Callable[[], T]) -> T:
    """Nothing is given up for want of space: what is left waits here until there is some."""
    while True:
        try:
            return step()
        except StorageFull:
            time.sleep(_FULL_DISK_PAUSE)


def keep(
    api: ServerApi,
    key: AttemptKey,
    files: Mapping[str, Path],
    refused: Sequence[str] = (),
    *,
    take: bool = True,
) -> None:
    """Keep files with the run, all at once; say in a note which are not, and why.

    `refused`: what is not kept for other reasons. `take`: nobody writes the files any more.
    """
    not_kept = list(refused)
    if files:
        refused_there = insist(lambda: api.ingest(key, files, take=take, some=True))
        not_kept += [f"{name!a}: {message}" for name, message in refused_there.items()]
    if not_kept:
        message = "Not kept: " + "; ".join(not_kept[:20])
        insist(lambda: api.note(key, "not_kept", message))
