"""What Faena tells whoever runs a script or a notebook: in any encoding, and a warning once a process."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_MOST = 1000
"""Warnings that are remembered; after so many different ones others are told each time."""

_told: set[str] = set()


def tell(text: str, end: str = "\n") -> None:
    """Print; letters that the terminal does not have are replaced. Raises OSError as `print` does."""
    _write(sys.stdout, text + end)


def tell_once(text: str) -> None:
    """The same, unless this process has told it already."""
    if _is_new(text):
        tell(text)


def warn_once(text: str) -> None:
    """Told on stderr, unless this process has told it already. Never raises: a warning stops nobody."""
    if _is_new(text):
        report(text)


def warn_without_effect(names: Sequence[str], owner: str, why: str) -> None:
    """Told once, that what was given belongs to `owner`; nothing where there are no names."""
    if names:
        verbs = ("belongs", "has") if len(names) == 1 else ("belong", "have")
        warn_once(
            "faena: {} {} to {} and {} no effect: {}.".format(
                ", ".join(names), verbs[0], owner, verbs[1], why
            )
        )


def warn_caller(text: str) -> None:
    """A UserWarning that points at the line outside Faena that led here, so that a notebook shows its own cell."""
    import warnings  # few scripts are warned

    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("faena", "faena_azureml", "azureml")


def report(text: str, end: str = "\n") -> None:
    """Told on stderr. Never raises: how far something is stops nobody."""
    try:
        _write(sys.stderr, text + end)
    except (OSError, ValueError):  # closed, or on a full disk
        pass


def _is_new(text: str) -> bool:
    if text in _told:
        return False
    if len(_told) < _MOST:
        _told.add(text)
    return True


def _write(stream: Any, text: str) -> None:
    if stream is None:  # a process without a terminal, such as a daemon
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()
