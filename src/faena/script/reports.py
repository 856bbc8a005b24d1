"""What is said of a failure that somebody reports, for people."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 4000
"""Characters of a report that are kept."""


def reported(details: Any, code: Any) -> str:
    """`details`: an exception, whose place is named, or a text; `code` stands first."""
    told = _told(details) or "The run was reported as failed."
    return told if code is None else "{}: {}".format(code, told)


def _told(details: Any) -> str:
    if not isinstance(details, BaseException):
        return "" if details is None else str(details)
    import traceback

    told = "".join(traceback.format_exception_only(type(details), details)).strip()
    frames = traceback.extract_tb(details.__traceback__)
    if not frames:
        return told
    return "{} ({}, line {}, in {})".format(told, frames[-1].filename, frames[-1].lineno, frames[-1].name)
