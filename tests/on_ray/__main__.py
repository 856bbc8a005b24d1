"""`python -m tests.on_ray`: each part of a Ray cluster, and the server, killed in each phase of a run.

RAY_PYTHON names the interpreter of Ray. It exits with 1 when anything was lost, doubled, wrong or left, or two scripts
lived at once.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from tests.hosts.namespaces import unavailable
from tests.hosts.trials import Found
from tests.on_ray.ground import RAY_PYTHON
from tests.on_ray.site import RaySite
from tests.on_ray.trials import HEAD, VICTIMS, Trial, Tried, tried


def main() -> int:
    options = _parser().parse_args()
    if why := unavailable() or ("" if RAY_PYTHON else "RAY_PYTHON is not set: `make ray`"):
        print(f"no Ray cluster can be made: {why}")
        return 0
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
        os.environ.pop(name, None)
    seed = secrets.randbits(32) if options.seed is None else options.seed
    trials = [
        Trial(victim, phase) for phase, victims in VICTIMS.items() for victim in victims
    ] * options.times
    trials = [each for each in trials if not options.only or f"{each.victim}/{each.phase}" in options.only]
    chance = random.Random(seed)
    if options.most is not None and options.most < len(trials):
        drawn = set(chance.sample(range(len(trials)), options.most))
        trials = [each for number, each in enumerate(trials) if number in drawn]
    print(f"seed {seed}, {len(trials)} kills, load {os.getloadavg()[0]:.1f}", flush=True)
    base = Path(tempfile.mkdtemp(prefix="faena-on-ray-", dir="/tmp"))
    found: list[Tried] = []
    while len(found) < len(trials):
        found += _on_one_site(trials[len(found) :], base / f"{len(found)}", chance)
    print("\n".join([HEAD, *map(str, found)]), flush=True)
    clean = all(each.found.is_clean for each in found)
    if clean:
        shutil.rmtree(base)
    print(f"load {os.getloadavg()[0]:.1f}; ", end="")
    print("nothing lost, doubled, wrong or left" if clean else f"NOT CLEAN: what was found lies in {base}")
    return 0 if clean else 1


def _on_one_site(trials: list[Trial], folder: Path, chance: random.Random) -> list[Tried]:
    """What was found until one failed, after which nothing is known of the site: the next ones have another."""
    found: list[Tried] = []
    with RaySite(folder) as site:
        for trial in trials:
            try:
                made = tried(trial, site, chance)
            except AssertionError as error:  # a finding, too
                traceback.print_exc()
                site.tell()
                made = Tried(trial, Found(trial.name, wrong=[str(error)]))
            found.append(made)
            print(f"{made}  {'; '.join(made.found.wrong)}", flush=True)
            if not made.found.is_clean:
                break
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.on_ray", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="of each (default 1)")
    parser.add_argument("--seed", type=int, help="repeat a campaign (default: drawn and printed)")
    parser.add_argument("--most", type=int, help="so many of them, drawn by the seed (default: all)")
    parser.add_argument("--only", nargs="*", default=[], help="such as runner/running (default: all)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
