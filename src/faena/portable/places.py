"""Which folders a run may be exported to and imported from."""

from __future__ import annotations

import os
from pathlib import Path

from faena.kernel.errors import UserErrorException
from faena.portable.model import MANIFEST


def for_export(given: str, forbidden: Path) -> Path:
    """Make the folder, or take an empty one. `forbidden`: the workspace's own folder.

    Raises UserErrorException for one that is no absolute path, holds something, or lies in the workspace's files.
    """
    path = _checked(given)
    try:
        real = path.resolve()
        if real.is_relative_to(forbidden):
            raise UserErrorException(
                f"{given[:300]!r} is where the workspace keeps its files. Name another folder."
            )
        if os.path.lexists(path) and (not path.is_dir() or any(path.iterdir())):
            hint = (
                ""
                if (path / MANIFEST).exists()
                else f" Without {MANIFEST} it is not whole: remove what an export left."
            )
            raise UserErrorException(
                f"{given[:300]!r} is there already. Name a new folder, or an empty one.{hint}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)  # the record may hold secrets: environment variables
    except OSError as error:
        raise UserErrorException(f"{given[:300]!r} cannot be made: {error.strerror or error}.") from error
    return path


def of_import(given: str) -> Path:
    """Raises UserErrorException for what is no folder."""
    path = _checked(given)
    if not path.is_dir():
        raise UserErrorException(
            f"There is no folder {given[:300]!r}. Give the folder that `faena export` made."
        )
    return path


def _checked(given: str) -> Path:
    if "\0" in given or not given.startswith("/") or len(given) > 3000:
        raise UserErrorException(f"{given[:300]!a} cannot be a folder. Give an absolute path.")
    return Path(given)
