"""Reads a file of text that a user names: of a sane size, in the encodings that editors and shells write."""

from __future__ import annotations

import os
from pathlib import Path

from faena.kernel import text_files
from faena.kernel.errors import UserErrorException

_MAX_BYTES = 1 << 20


def text_of(path: str | os.PathLike[str], what: str) -> str:
    """Raises UserErrorException naming `what` the file should be and why it cannot be read."""
    place = Path(path).expanduser()
    if not place.is_file():
        state = "is no file" if place.exists() else "is not there"
        raise UserErrorException(f"The {what} {place} {state}. Give the path of a text file.")
    try:
        with place.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise UserErrorException(f"The {what} {place} has more than 1 MiB. Give a list of packages.")
        return text_files.decode(data)
    except UnicodeDecodeError as error:
        raise UserErrorException(
            f"The {what} {place} cannot be read: it is not UTF-8 (byte {error.start}). Save it as UTF-8, or "
            "name its encoding in its first line, such as `# -*- coding: latin-1 -*-`."
        ) from error
    except OSError as error:
        raise UserErrorException(f"The {what} {place} cannot be read: {error}.") from error
