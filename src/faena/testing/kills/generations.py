"""Populations in whose middle somebody is killed: each trial starts from the checkpoint that it is to start from."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from faena.client.runs.sweep_run import HyperDriveRun
from faena.client.sweeps.samplings import HyperParameterSampling
from faena.sweeps import populations
from faena.sweeps.populations import Lineage, Member
from faena.sweeps.samplings import next_point
from faena.sweeps.schemas import Sampling, TrialView
from faena.sweeps.space import Point
from faena.testing.kills import tried

CHECKPOINT = "outputs/checkpoint"


def expected(sampling: HyperParameterSampling, count: int) -> list[tuple[dict[str, Any], int | None]]:
    """Parameters and origin of each trial of a population that nobody was killed in."""
    space, population = sampling.space, sampling.sampling.population
    assert population is not None
    plain = Sampling("random", sampling.seed)
    points: list[Point] = []
    lineages: list[Lineage] = []
    position = 0
    while len(points) < count:
        number = len(points)
        if number < population.size:
            drawn = next_point(space, plain, position, {point.digest for point in points}.__contains__)
            assert drawn is not None
            point, position = drawn
            lineage = Lineage()
        else:
            start = (number // population.size - 1) * population.size
            before = range(start, start + population.size)
            members = [Member(each, _value(points[each]), each) for each in before]
            lineage = populations.go_on(population, "maximize", sampling.seed, number, members)
            assert lineage.parent is not None
            point = points[lineage.parent]
            if lineage.parent != number - population.size:
                beside = populations.explore(space, population, sampling.seed, number, point.coordinates)
                point = beside or point
        points.append(point)
        lineages.append(lineage)
    return [(point.values, each.checkpoint) for point, each in zip(points, lineages, strict=True)]


def _value(point: Point) -> float:
    """What a trial comes to: its last value is the best."""
    return tried.value_of(point.values["--x"], point.values["--n"], tried.VALUES - 1)


def mistakes(
    sweep: HyperDriveRun, sampling: HyperParameterSampling, trials: Sequence[TrialView]
) -> Iterator[str]:
    """What is wrong with the trials of a population that has ended."""
    found = [(trial.parameters, trial.checkpoint) for trial in trials]
    if found != expected(sampling, len(trials)):
        yield "its trials are not those of one that nobody was killed in"
        return
    for trial in trials:
        chain = [trial]
        while (origin := chain[0].checkpoint) is not None:
            chain.insert(0, trials[origin])
        trained_by = [each.run_id for each in chain]
        if (state := _state(sweep, trial)) != trained_by:
            yield f"trial {trial.number} left a checkpoint of {state} and was trained by {trained_by}"


def _state(sweep: HyperDriveRun, trial: TrialView) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, tried.STATE)
        run = sweep.experiment.workspace.get_run(str(trial.run_id))
        run.download_file(f"{CHECKPOINT}/{tried.STATE}", str(path))
        return json.loads(path.read_text())
