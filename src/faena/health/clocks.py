"""Clocks: this machine's against its file systems', against the newest run, and the one that never goes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from faena.health import rows
from faena.health.finding import Finding, ok, warning
from faena.health.subject import Subject, probe
from faena.kernel.clock import iso

APART = 2.0
"""Seconds by which the clock of a file system may differ: network file systems have their server's."""
AHEAD = 60.0
"""Seconds by which a run may be ahead of the clock before that counts as set back."""
_SET = "timedatectl set-ntp true, or set the clock by hand"
_NEWEST = (
    "SELECT max(at) FROM (SELECT max(created_at) AS at FROM runs UNION ALL SELECT max(started_at) FROM runs "
    "UNION ALL SELECT max(ended_at) FROM runs) AS times"
)


def check_clocks(subject: Subject) -> Iterator[Finding]:
    yield from _file_systems(subject)
    yield _monotonic()
    for (newest,) in rows.read(subject, _NEWEST):
        yield _newest_run(subject, newest or 0)


def _file_systems(subject: Subject) -> Iterator[Finding]:
    apart = {what: seconds for what, path in subject.places.items() if (seconds := _apart(path)) is not None}
    far = {what: seconds for what, seconds in apart.items() if abs(seconds) > APART}
    for what, seconds in far.items():
        side = "behind" if seconds < 0 else "ahead of"
        yield warning(
            "file times", f"the {what} folder's clock is {abs(seconds):.0f} s {side} this machine's", _SET
        )
    if apart and not far:
        yield ok("file times", "agree with the clock")


def _apart(folder: Path) -> float | None:
    """Seconds by which the times of files in `folder` are ahead; None where none can be written."""
    try:
        with probe(folder) as file:
            return Path(file.name).stat().st_mtime - time.time()
    except OSError:
        return None  # what is wrong with the folder, its own check tells


def _monotonic() -> Finding:
    times = [time.monotonic() for _ in range(1000)]
    if times == sorted(times):
        return ok("monotonic clock", "goes forward")
    return warning(
        "monotonic clock", "went back: leases may end early", "update the kernel or the hypervisor"
    )


def _newest_run(subject: Subject, newest: int) -> Finding:
    ahead = (newest - subject.now) / 1e6
    if ahead > AHEAD:
        return warning(
            "clock",
            f"set back: the newest run is of {iso(newest)[:16]}, {_long(ahead)} from now",
            f"{_SET}; times and order of runs made meanwhile are wrong",
        )
    return ok("clock", "not behind the newest run")


def _long(seconds: float) -> str:
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
