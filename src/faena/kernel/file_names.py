"""Names that files of a run may have: by the runner, which sends them, and by the server, which keeps them."""

from __future__ import annotations

import re

from faena.kernel.errors import UserErrorException

LONGEST = 1024
"""Bytes in UTF-8."""


def refusal(name: str) -> str | None:
    """Why `name` cannot become a relative path on any machine, as the end of a sentence; None: it can."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "is not Unicode text"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "holds a control character"
    if size > LONGEST:
        return f"has {size} bytes; a name has at most {LONGEST}"
    parts = name.replace("\\", "/").split("/")
    if any(part in ("", ".", "..") for part in parts) or (len(parts[0]) == 2 and parts[0][1] == ":"):
        return "is not a relative path in plain form, such as 'outputs/model.npz'"
    return None


def check(name: str) -> str:
    """A name that is safe to become a relative path on any machine.

    Raises UserErrorException when it is empty, absolute, climbs with '..', is longer than 1,024 bytes or
    holds control characters or text that is not Unicode.
    """
    if why := refusal(name):
        raise UserErrorException(f"{_shown(name)} {why}. Rename the file.")
    return name


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:60]}…")


_LOG_OF_SWEEP = "azureml-logs/hyperdrive.txt"
_OWN_LOG = re.compile(r"azureml-logs/(\d+)_.*?(?:_(\d+))?\.txt")


def log_precedence(name: str) -> tuple[int, int]:
    """Which log is shown where there are several: 70_driver_log before 20_image_build_log, rank 0 before rank 1.

    -1 and 0 for what is none of ours; a sweep has one of its own.
    """
    if name == _LOG_OF_SWEEP:
        return 0, 0
    found = _OWN_LOG.fullmatch(name)
    return (int(found[1]), -int(found[2] or 0)) if found else (-1, 0)


def log_rank(name: str) -> int | None:
    """Whose driver log it is, in a run of several nodes."""
    found = _OWN_LOG.fullmatch(name)
    return int(found[2]) if found and found[2] else None
