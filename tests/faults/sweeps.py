"""Sweeps in whose middle somebody is killed: each finishes, no trial is lost or issued twice, no decision forgotten."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from faena.client.sweeps.samplings import HyperParameterSampling
from faena.kernel.errors import FaenaError
from faena.sweeps.startup import startup_trials
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, Result
from faena.testing.kills.processes import commanded
from faena.testing.kills.sweeps import Swept, check, sampling_of
from faena.testing.kills.table import Row
from faena.testing.waiting import until
from tests.faults.ground import Site

_NODES = 2
_TRIALS = 12
"""Of one; of one whose sampling learns so many besides those that no model draws."""
_KILLS = 8
"""In the middle of one sweep."""
_OF_ONE_DRAW = 3
"""Deaths of the sampler: after five a sweep gives up, as it says."""
VICTIMS = ("server", "runner", "script", "sampler", "warm")
"""`warm`: an interpreter that has packages loaded, or the pair of guard and script that waits in one."""
_KINDS = (
    ("random", False),
    ("bayesian", True),
    ("pbt", False),
    ("random", True),
    ("bayesian", False),
    ("pbt", True),
)
"""The sampling, and whether trials start warm: of each sweep in turn."""


def killed(
    folder: Path,
    links: Path,
    kills: int,
    seed: int,
    tell: Callable[[str], None],
    kinds: tuple[tuple[str, bool], ...] = _KINDS,
    trials: int = _TRIALS,
) -> list[Row]:
    """A row for each kind of victim, of `kills` kills together."""
    site = Site(folder, links=links, nodes=_NODES)
    chance = random.Random(seed)
    rows = {victim: Row(victim, "sweep") for victim in VICTIMS}
    place = 0
    while (done := sum(row.kills for row in rows.values())) < kills:
        kind, warm = kinds[place % len(kinds)]
        place += 1
        sampling = sampling_of(kind, seed=place)
        result = Result("sweep", None)
        try:
            victims = _one(site, sampling, warm, chance, min(_KILLS, kills - done), trials, result)
        except (AssertionError, FaenaError, OSError) as error:
            result.wrong.append(f"sweep {place}: {type(error).__name__}: {error}")
            victims = ["server"]
        for victim in victims:
            rows[victim].add(Result(victim, None))
        rows[victims[0] if victims else "server"].add(result, hit=False)
        told = f"{sampling.kind}{', warm' if warm else ''}: {'; '.join(result.wrong) or 'fine'}"
        tell(f"[{done + len(victims)}/{kills}] sweep {place}, {told}")
    site.close()
    return list(rows.values())


def _one(
    site: Site,
    sampling: HyperParameterSampling,
    warm: bool,
    chance: random.Random,
    kills: int,
    trials: int,
    result: Result,
) -> list[str]:
    """Who was killed in the middle of a sweep; what is wrong with it goes into `result`."""
    trials += startup_trials(sampling.sampling)
    swept = Swept.begin(site, sampling, trials=trials, at_once=_NODES, warm=warm)
    victims: list[str] = []
    during: Counter[int] = Counter()
    """Deaths of the sampler, by how many trials had been drawn."""
    while len(victims) < kills and not swept.has_ended():
        time.sleep(chance.uniform(0.0, 0.6))
        victim = chance.choice(VICTIMS)
        drawn = sum(trial.state != "free" for trial in swept.run.trials()) if victim == "sampler" else 0
        if victim == "sampler" and during[drawn] == _OF_ONE_DRAW:
            continue
        pid = _pid(site, swept, victim, chance)
        if pid is not None and processes.kill(pid):
            victims.append(victim)
            during[drawn] += victim == "sampler"
    until(swept.has_ended, f"sweep {swept.run.id} has ended", seconds=3 * PATIENCE)
    check(swept, result)
    return victims


def _pid(site: Site, swept: Swept, victim: str, chance: random.Random) -> int | None:
    if victim == "server":
        return processes.server_of(site.path)
    if victim == "sampler":
        found = commanded(lambda words: "faena.sweeps.sample" in words)
        ours = [pid for pid in found if processes.parent_of(pid) == processes.server_of(site.path)]
    elif victim == "runner":
        ours = processes.runners_of(site.path)
    elif victim == "warm":
        ours = processes.warm_of(site.path)
    else:
        ours = [pid for pids in swept.scripts().values() for pid in pids]
    return chance.choice(ours) if ours else None
