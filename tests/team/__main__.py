"""`python -m tests.team`: bad days of a team's server. It exits with 1 when anything was lost, doubled or wrong."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.surroundings import Surroundings
from tests.team import days
from tests.team.ground import team


def main() -> int:
    options = _parser().parse_args()
    base = Path(tempfile.mkdtemp(prefix="faena-team-", dir="/tmp"))
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(name, None)
    os.environ.update(Surroundings(base).variables())
    rows: list[days.Row] = []
    try:
        with team(base / "restarts") as made:
            for what in options.only or days.WEATHERS:
                for seconds in options.seconds:
                    rows.append(days.endured(made, what, days.WEATHERS[what], seconds, len(rows)))
                    print(days.render(rows[-1:]), flush=True)
    finally:
        print(days.render(rows), flush=True)
    if any(row.wrong for row in rows):
        print(f"NOT CLEAN: what was found lies in {base}")
        return 1
    shutil.rmtree(base)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.team", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(days.WEATHERS), help="these (default: all)")
    parser.add_argument(
        "--seconds", type=float, nargs="+", default=[0.0, 20.0, 60.0], help="for which it is away"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
