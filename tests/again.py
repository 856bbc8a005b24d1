"""`python -m tests.again`: the tests that failed in the last run, once more, alone.

Exits with 0 where each passes now: such a test, or what it tests, has a race. It is named, so that it gets mended,
as CPython's own test runner does it with "FAILURE then SUCCESS". Where more failed than chance explains, or the
last run broke off before it could say what failed, nothing is tried again.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

FAILED = Path(__file__).parents[1] / ".pytest_cache/v/cache/lastfailed"
BY_CHANCE = 3
GROUP = re.compile(r"@tests/[\w/]+\.py(-\w+)?$")  # what conftest adds to keep tests in one process


def main(failed_last: Path = FAILED) -> int:
    try:
        failed = sorted({GROUP.sub("", each) for each in json.loads(failed_last.read_text())})
    except FileNotFoundError:
        failed = []
    if not failed:  # of which pytest would make all
        print("No test is known to have failed: see above for what did.")
        return 1
    if len(failed) > BY_CHANCE:
        print(f"{len(failed)} tests failed, which is more than chance: none is tried again.")
        return 1
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "", *failed], check=False
    )
    print(f"FAILED, THEN {'FAILED AGAIN' if done.returncode else 'PASSED ALONE'}: {', '.join(failed)}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
