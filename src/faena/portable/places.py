"""Which folders a run may be exported to and imported from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.kernel.discovery import try_lock
from faena.kernel.errors import UserErrorException
from faena.portable.folder import discard, translated
from faena.portable.model import MANIFEST, UNFINISHED


@contextmanager
def for_export(given: str, forbidden: Path | None) -> Iterator[Path]:
    """A folder that is new, empty, or what an export that was killed has left; nobody else exports into it meanwhile.

    When the body fails nothing is left in it. `forbidden`: the workspace's own folder, where it is of this host.
    Raises UserErrorException for one that is no absolute path, holds something, or lies in the workspace's files.
    """
    path = _checked(given)
    try:
        if forbidden is not None and path.resolve().is_relative_to(forbidden):
            raise UserErrorException(
                f"{given[:300]!r} is where the workspace keeps its files. Name another folder."
            )
        descriptor = _claim(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead in a circle
        raise UserErrorException(f"{given[:300]!r} cannot be made: {error}.") from error
    try:
        yield path
        (path / UNFINISHED).unlink()
    except BaseException as error:
        discard(path)
        if isinstance(error, OSError):
            raise translated(error, path) from error
        raise
    finally:
        os.close(descriptor)


def _claim(path: Path) -> int:
    """Make the folder, and hold the mark in it that says that it is not whole."""
    mark = path / UNFINISHED
    taken = UserErrorException(f"{str(path)!r} is there already. Name a new folder, or an empty one.")
    if os.path.lexists(path) and not _may_be_written(path, mark):
        raise taken
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)  # the record may hold secrets: environment variables
    was_unfinished = mark.exists()
    descriptor = try_lock(mark)
    if descriptor is None:
        raise UserErrorException(f"Another export is writing into {str(path)!r}. Name another folder.")
    others = [entry.name for entry in path.iterdir() if entry != mark]
    if MANIFEST in others or (others and not was_unfinished):  # it came to be since we looked
        mark.unlink(missing_ok=True)
        os.close(descriptor)
        raise taken
    discard(path, but=UNFINISHED)
    return descriptor


def _may_be_written(path: Path, mark: Path) -> bool:
    return path.is_dir() and (not any(path.iterdir()) or (mark.exists() and not (path / MANIFEST).exists()))


def of_import(given: str) -> Path:
    """Raises UserErrorException for what is no folder."""
    path = _checked(given)
    if not os.path.isdir(path):  # noqa: PTH112  takes a name that is too long for an answer
        raise UserErrorException(
            f"There is no folder {given[:300]!r}. Give the folder that `faena export` made."
        )
    return path


def _checked(given: str) -> Path:
    if "\0" in given or not given.startswith("/") or len(given) > 3000:
        raise UserErrorException(f"{given[:300]!a} cannot be a folder. Give an absolute path.")
    return Path(given)
