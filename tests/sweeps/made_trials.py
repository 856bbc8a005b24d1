"""Sweeps that never ran: trials as the server tells of them, with the values that a test wants."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from faena.sweeps.schemas import Objective, Sampling, SweepSpec, TrialView

LOSS = Objective("loss", "minimize")
SPACE = {
    "--lr": ["loguniform", [-6, -1]],
    "--batch": ["choice", [[16, 32, 64]]],
    "--activation": ["choice", [["relu", "<b>tanh", None]]],
    "--augment": ["flag", []],
    "optimizer": [
        "choice",
        [
            [
                {"--opt": "sgd", "--momentum": ["uniform", [0, 1]]},
                {"--opt": "adam", "--beta": ["uniform", [0, 1]]},
            ]
        ],
    ],
}


def spec(space: dict[str, Any] | None = None, *objectives: Objective, **given: Any) -> SweepSpec:
    return SweepSpec(
        space=SPACE if space is None else space,
        sampling=given.pop("sampling", Sampling("random")),
        objectives=objectives or (LOSS,),
        max_total_runs=100,
        max_concurrent_runs=1,
        **given,
    )


def trial(number: int, parameters: dict[str, Any], *metrics: float | None, **given: Any) -> TrialView:
    known: dict[str, Any] = {
        "number": number,
        "run_id": f"s_{number}",
        "state": "ended",
        "status": "Completed",
        "parameters": parameters,
        "value": metrics[0] if metrics else None,
        "metrics": list(metrics),
        "intervals": 0,
        "source": "sampled",
        "tries": 0,
    }
    return TrialView(**(known | given))


def drawn(count: int, seed: int = 1) -> list[TrialView]:
    """Of `SPACE`. The learning rate decides, and a little the flag; each seventeenth trial has no value."""
    chance = random.Random(seed)
    return [trial(number, *_drawn(chance, number)) for number in range(count)]


def _drawn(chance: random.Random, number: int) -> tuple[Any, ...]:
    parameters: dict[str, Any] = {
        "--lr": math.exp(chance.uniform(-6, -1)),
        "--batch": chance.choice([16, 32, 64]),
        "--activation": chance.choice(["relu", "<b>tanh", None]),
        "--augment": chance.choice([None, ""]),
    }
    one = {"--opt": "sgd", "--momentum": chance.random()}
    other = {"--opt": "adam", "--beta": chance.random()}
    loss = (math.log(parameters["--lr"]) + 3) ** 2 + (parameters["--augment"] is None) / 2 + chance.random()
    return parameters | (one if chance.random() < 0.5 else other), None if number % 17 == 16 else loss


def numbers(trials: Sequence[TrialView]) -> list[int]:
    return [each.number for each in trials]
