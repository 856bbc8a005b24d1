from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from faena.testing import postgresql
from tests.any_input import mlflow
from tests.any_input.campaign import Campaign, Covered
from tests.any_input.ground import ground

_OF_MLFLOW = 0.35
"""Of the time that each database gets."""


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.any_input", description=__doc__)
    asked.add_argument("--minutes", type=float, default=10.0, help="for all that is asked (10)")
    asked.add_argument("--on", choices=("sqlite", "postgresql", "both"), default="both")
    asked.add_argument("--seed", type=int, default=None)
    asked.add_argument("--rounds", type=int, default=10**9, help="of all routes, at most")
    asked.add_argument(
        "--examples", type=int, default=2, help="of each kind, for each route in each round (2)"
    )
    given = asked.parse_args()
    seed = random.SystemRandom().randrange(2**31) if given.seed is None else given.seed
    kinds = ("sqlite", "postgresql") if given.on == "both" else (given.on,)
    print(f"seed {seed}", flush=True)
    failed = False
    until = time.monotonic() + given.minutes * 60
    with tempfile.TemporaryDirectory(prefix="any-input-") as folder:
        for number, kind in enumerate(kinds):
            now = time.monotonic()
            end = now + (until - now) / (len(kinds) - number)
            covered = _on(kind, Path(folder, kind), seed, now, end, given.rounds, given.examples)
            failed = _told(kind, covered, time.monotonic() - now) or failed
    return int(failed)


def _on(kind: str, parent: Path, seed: int, now: float, end: float, rounds: int, examples: int) -> Covered:
    parent.mkdir()
    with ExitStack() as stack:
        url = ""
        if kind == "postgresql":
            server = postgresql.join(parent.parent / "postgresql")
            stack.callback(server.close)
            url = stack.enter_context(server.database())
        filled = stack.enter_context(ground(parent, url))
        chosen = random.Random(seed)
        campaign = Campaign(filled, chosen, examples)
        until = now + (end - now) * _OF_MLFLOW
        mlflow.ask_all(filled, campaign.covered, chosen, until, rounds * len(mlflow.EVERYBODY))
        return campaign.run(end, rounds)


def _told(kind: str, covered: Covered, seconds: float) -> bool:
    """Prints what was covered; whether there were defects."""
    count = sum(sum(found.values()) for found in covered.answers.values())
    print(
        f"{kind}: {count:,} requests to {len(covered.answers)} routes and verbs in {seconds:.0f} s, "
        f"{covered.rounds} whole rounds of the API, {len(covered.defects)} kinds of defects"
    )
    for route in covered.without_success():
        print(f"  no request was good for {route}")
    for name, defect in covered.defects.items():
        print(f"DEFECT {name}\n  {defect}", file=sys.stderr)
    return bool(covered.defects)


if __name__ == "__main__":
    sys.exit(main())
