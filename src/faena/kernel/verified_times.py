"""A file's time that says: its bytes were verified against its digest, and nobody has written it since.

The object store gives what it has verified a time of the past that comes of the digest. Whoever writes the file later
gives it another one, so that one look at the file's status shows it. A disk that loses bits does not: that is found
when the bytes are read.
"""

from __future__ import annotations

import contextlib
import os

_FIRST = 946_684_800
"""2000-01-01 UTC, in seconds. Every time is an even second: no file system rounds it."""
_STEPS = 120_000_000
"""Two-second steps from there; the last time is in 2007, before whatever anybody writes now."""


def time_of(digest: str) -> int:
    """Nanoseconds since the epoch."""
    return (_FIRST + 2 * (int(digest[:12], 16) % _STEPS)) * 1_000_000_000


def is_sealed(status: os.stat_result, digest: str) -> bool:
    return status.st_mtime_ns == time_of(digest)


def seal(file: int | str, digest: str) -> None:
    """To be called once the bytes are verified and written out. Silent where the file system keeps no such time.

    `file`: a descriptor or a path.
    """
    with contextlib.suppress(OSError):
        os.utime(file, ns=(time_of(digest), time_of(digest)))


def unseal(file: int | str) -> None:
    """Have the file verified before it is used again. `file`: as in `seal`."""
    with contextlib.suppress(OSError):
        os.utime(file)
