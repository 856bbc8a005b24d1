"""A signal that a script gets some time before its time is up: "USR1@90", as other schedulers spell it."""

from __future__ import annotations

import re
import signal

from faena.kernel.errors import UserErrorException

_SPELLED = re.compile(r"(?:SIG)?([A-Z]{1,9}[0-9]?)@([0-9]{1,9}(?:\.[0-9]{1,6})?)")
_MAY_BE = frozenset({"USR1", "USR2", "INT", "HUP", "TERM", "ALRM", "CONT", "WINCH", "QUIT"})


def parse(text: str) -> tuple[int, float]:
    """The signal's number, and seconds before the end. Raises UserErrorException."""
    found = _SPELLED.fullmatch(text)
    if found is None or found[1] not in _MAY_BE:
        raise UserErrorException(
            f"early_signal is {text[:80]!r}. Use a signal and seconds before the time limit, such as 'USR1@90'; "
            f"signals: {', '.join(sorted(_MAY_BE))}."
        )
    return int(signal.Signals[f"SIG{found[1]}"]), float(found[2])


def check(text: str, limit: float | None) -> None:
    """Raises UserErrorException for one that no run can have whose script is given `limit` seconds."""
    if not text:
        return
    _, seconds = parse(text)
    if limit is None:
        raise UserErrorException(
            "early_signal comes some time before max_run_duration_seconds, which is not given."
        )
    if seconds >= limit:
        raise UserErrorException(
            f"early_signal is {text[:80]!r}, and max_run_duration_seconds is {limit:g}: the script would get it before "
            "it starts. Use fewer seconds."
        )
