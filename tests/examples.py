"""How many examples a test of many gets: few in each run of the tests, many where somebody has the time for them."""

from __future__ import annotations

import os

_TIMES = int(os.environ.get("EXAMPLES_TIMES", "1"))
MANY = _TIMES > 1


def examples(count: int) -> int:
    return count * _TIMES
