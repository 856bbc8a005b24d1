"""An environment whose interpreter serves is not removed, whoever prunes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from faena.scoring.holds import Holds


def is_held(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_those_of_the_revisions_that_serve_and_that_may_still_answer(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in "abc")
    holds = Holds()
    holds.want({str(first), str(tmp_path / "nowhere" / "d")})
    assert is_held(first)
    holds.want({str(second)})
    assert is_held(first) and is_held(second)
    holds.want({str(third)})
    assert not is_held(first)
    assert is_held(second) and is_held(third)
