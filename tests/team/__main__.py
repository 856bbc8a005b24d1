"""`python -m tests.team`: bad days of a team's server. It exits with 1 when anything was lost, doubled or wrong."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from faena.testing import s3
from faena.testing.kills import table
from faena.testing.postgresql_pair import pair
from tests.faults.__main__ import cell
from tests.faults.campaign import CELLS, KillCampaign, Plan
from tests.faults.surroundings import Surroundings
from tests.team import clocks, days, deployed_balancers, full
from tests.team.failover import failed_over
from tests.team.ground import keys, team
from tests.team.sites import opening

_DAYS = ("restarts", "replicas", "clocks", "full", "balancers")
_KNOWN_S = 15.0
"""Seconds from a kill to the state in the API, where another process is to lead first."""


def main() -> int:
    options = _parser().parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    base = Path(tempfile.mkdtemp(prefix="faena-team-", dir="/tmp"))
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(name, None)
    around = Surroundings(base)
    os.environ.update({**around.variables(), **keys()})
    killed = _killed(base / "kills", around.links, options, seed) if options.kills else []
    rows: list[days.Row] = []
    try:
        for row in _days(base, options):
            rows.append(row)
            print(days.render([row]), flush=True)
    finally:
        print(days.render(rows), flush=True)
    if any(row.wrong for row in rows) or not all(row.is_clean for row in killed):
        print(f"NOT CLEAN: what was found lies in {base}")
        return 1
    shutil.rmtree(base)
    return 0


def _days(base: Path, options: argparse.Namespace) -> Iterator[days.Row]:
    if "restarts" in options.days:
        with team(base / "days") as made:
            rows = [(what, seconds) for what in options.only for seconds in options.seconds]
            for who, (what, seconds) in enumerate(rows):
                yield days.endured(made, what, days.WEATHERS[what], seconds, who)
    if "replicas" in options.days:
        for waits in (True, False):
            yield failed_over(base / f"replica-{waits}", waits=waits)
    if "clocks" in options.days:
        for number, whose in enumerate(clocks.WHOSE):
            yield clocks.off(base / f"clocks-{number}", whose)
    if "full" in options.days:
        for number, what in enumerate(full.PLACES):
            yield full.filled(base / f"full-{number}", what)
    if "balancers" in options.days:
        for name in deployed_balancers.KINDS:
            if deployed_balancers.is_installed(name):
                yield from deployed_balancers.tried(base / name, name, options.times)
            else:
                print(f"{name} is not installed, and is left out", flush=True)


def _killed(folder: Path, links: Path, options: argparse.Namespace, seed: int) -> list[table.Row]:
    """As `python -m tests.faults` kills, where two processes serve a site."""
    with pair() as servers, s3.running(folder / "s3") as bucket:
        opened = opening(servers, bucket)
        cells = tuple(options.cells)
        plan = Plan(options.kills, options.jobs, seed, folder, links, _KNOWN_S, cells, opened)
        rows = KillCampaign(plan, _tell).run()
    print(table.render(rows), flush=True)
    return rows


def _tell(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.team", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="kills in each cell (default 20; 0: none)")
    parser.add_argument(
        "--cells", type=cell, nargs="+", default=CELLS, help="such as runner/queued (default: all)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="sites side by side (default 1)")
    parser.add_argument("--seed", type=int, help="repeat kills (default: drawn and printed)")
    parser.add_argument("--days", nargs="*", choices=_DAYS, default=_DAYS, help="these (default: all)")
    parser.add_argument(
        "--only", nargs="+", choices=list(days.WEATHERS), default=list(days.WEATHERS), help="of restarts"
    )
    parser.add_argument(
        "--seconds", type=float, nargs="+", default=[0.0, 20.0, 60.0], help="for which it is away"
    )
    parser.add_argument("--times", type=int, default=3, help="each day of a balancer (default 3)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
