"""Draws of the sampler's process with TPE beside Optuna's own `ask()`: `python -m benchmarks.sampler`.

Six parameters. A draw of ours is asked as the server asks it: one trial told, one drawn, through the pipe. Beside it a
study in this process that has the same trials is told one and asked for one, in turns with ours. Optuna is the one of
the development environment.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna

from benchmarks.rows import Row, at_most, command
from faena.sweeps.learning.frozen import distribution
from faena.sweeps.learning.messages import Drawn, Task, Told
from faena.sweeps.learning.sampler import Sampler
from faena.sweeps.schemas import Objective, Sampling
from faena.sweeps.space import Space

SIZES = ((100, None), (1_000, 15), (10_000, 120))
"""Trials, and the milliseconds that a draw may take."""
BUDGET_MB = 150
DRAWS = 30
FLOATS = [f"--x{place}" for place in range(4)]
SPACE = {name: ["uniform", [0, 1]] for name in FLOATS} | {
    "--layers": ["randint", [100]],
    "--size": ["choice", [[16, 32, 64, 128]]],
}


class Trials:
    """As a ledger gives them."""

    def __init__(self, count: int) -> None:
        chance = random.Random(count)
        self.all: list[Told] = []
        for _ in range(count):
            at: dict[str, int | float] = {name: chance.random() for name in FLOATS}
            self.add(at | {"--layers": chance.randrange(100), "--size": chance.randrange(4)})

    def add(self, at: dict[str, int | float]) -> None:
        loss = (
            sum((at[name] - 0.3) ** 2 for name in FLOATS) + abs(at["--layers"] - 40) / 100 + at["--size"] / 10
        )
        self.all.append(Told(len(self.all), at, "completed", [loss]))

    async def since(self, revision: int) -> tuple[Sequence[Told], int]:
        return self.all[revision:], len(self.all)


def measure(quick: bool = False) -> list[Row]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = []
    for size, budget in SIZES[:2] if quick else SIZES:
        rows += asyncio.run(_measured(size, budget, 5 if quick else DRAWS))
    return rows


async def _measured(size: int, budget: float | None, draws: int) -> list[Row]:
    task = Task(
        sweep="s", space=SPACE, sampling=Sampling("bayesian"), objectives=[Objective("loss", "minimize")]
    )
    trials, ask = Trials(size), _optuna(task, Trials(size).all)
    with tempfile.TemporaryDirectory() as folder:
        sampler = Sampler(Path(folder, "sampler.log"))
        try:
            began = time.perf_counter()
            await sampler.draw(task, size, trials.since)
            first = 1000 * (time.perf_counter() - began)
            ours, theirs = [], []
            cpu = _cpu_milliseconds(sampler.pid)
            for _ in range(draws):
                began = time.perf_counter()
                drawn = await sampler.draw(task, len(trials.all), trials.since)
                ours.append(1000 * (time.perf_counter() - began))
                assert isinstance(drawn, Drawn)
                trials.add(drawn.coordinates)
                began = time.perf_counter()
                ask(trials.all[-1])
                theirs.append(1000 * (time.perf_counter() - began))
            cpu = (_cpu_milliseconds(sampler.pid) - cpu) / draws
            memory = _peak_megabytes(sampler.pid)
        finally:
            await sampler.close()
    median, rival = statistics.median(ours), statistics.median(theirs)
    name = f"a draw at {size:,} trials"
    note = (
        f"spread {min(ours):.3g} to {max(ours):.3g}; the process's CPU time {cpu:.3g} ms a draw; "
        f"first draw, for which it starts and is told all of them: {first:,.0f} ms"
    )
    rows = [Row(name, "", median, "ms", "optuna", rival, note=note)]
    if budget is not None:
        rows = [at_most(name, median, budget, "ms", rival="optuna", rival_value=rival, note=note)]
    return [*rows, at_most(f"memory of the process at {size:,} trials", memory, BUDGET_MB, "MB")]


def _optuna(task: Task, trials: Sequence[Told]) -> Callable[[Told], None]:
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    dimensions = Space.parse(task.space).dimensions
    distributions = {each.name: distribution(each, task.sampling) for each in dimensions}

    def tell(told: Told) -> None:
        assert told.results[0] is not None
        done = optuna.trial.create_trial(
            params=told.coordinates, distributions=distributions, value=told.results[0]
        )
        study.add_trial(done)

    def tell_and_ask(told: Told) -> None:
        tell(told)
        study.tell(study.ask(distributions), state=optuna.trial.TrialState.FAIL)

    for each in trials:
        tell(each)
    return tell_and_ask


def _cpu_milliseconds(pid: int | None) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return 1000 * (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _peak_megabytes(pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(kilobytes) / 1024


if __name__ == "__main__":
    command("Sampling that learns", measure)
