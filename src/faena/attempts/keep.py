"""What a script leaves in ./outputs and ./logs, as names and paths, and how the run comes to have it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from faena.attempts.api import AttemptKey, ServerApi
from faena.kernel import file_names
from faena.kernel.errors import StorageFull, UserErrorException

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
    """Keep files with the run, all at once, one by one where the server refuses some; say in a note which are not.

    `refused`: what is not kept for other reasons. `take`: nobody writes the files any more.
    """
    not_kept = list(refused)
    try:
        if files:
            insist(lambda: api.ingest(key, files, take=take))
    except UserErrorException:
        for name, path in files.items():
            try:
                insist(partial(api.ingest, key, {name: path}, take=take))
            except UserErrorException as error:
                not_kept.append(f"{name!a}: {error.message}")
    if not_kept:
        message = "Not kept: " + "; ".join(not_kept[:20])
        insist(lambda: api.note(key, "not_kept", message))


def remains(above: Path, folders: Iterable[str]) -> tuple[dict[str, Path], list[str]]:
    """(files by name such as `outputs/model.npz`, what cannot be kept and why) of some folders in one.

    A link that stays inside `above` counts as the file that it leads to; one that leaves it is not kept.
    """
    files: dict[str, Path] = {}
    refused: list[str] = []
    root = Path(os.path.realpath(above))
    for folder in folders:
        for path in _walk(above / folder):
            name = path.relative_to(above).as_posix()
            real = Path(os.path.realpath(path))
            if not real.is_relative_to(root):
                refused.append(f"{name!a} is a link out of the run's folder")
            elif not real.is_file():
                refused.append(f"{name!a} is not a plain file")
            elif why := file_names.refusal(name):
                refused.append(f"{_short(name)} {why}")
            else:
                files[name] = real
    return files, refused


def _walk(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        else:
            yield Path(entry.path)


def _short(name: str) -> str:
    return ascii(name if len(name) <= 80 else f"{name[:60]}…")
