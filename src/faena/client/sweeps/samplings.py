"""How a sweep chooses the parameters of its trials."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import msgspec

from faena.client.sweeps.plain import plain
from faena.client.wire import shown
from faena.kernel.errors import UserErrorException
from faena.sweeps.constraints import Condition, name_of
from faena.sweeps.learning.extras import check_population
from faena.sweeps.schemas import Population, Sampling
from faena.sweeps.space import Space

Kind = Literal["random", "grid", "sobol", "bayesian", "cmaes", "nsga2", "pbt"]


class HyperParameterSampling:
    """A space, `{"--lr": loguniform(-6, -1), …}`, and a way through it. Raises UserErrorException naming a parameter.

    `seed`: the same one gives the same trials; by default another one each time. `constraints`: conditions such as
    `"batch * layers <= 4096"`; what does not fulfil them is not tried. For `Asking`, which draws in this process, also
    functions of the parameters: `lambda parameters: parameters["batch"] * parameters["layers"] <= 4096`.
    """

    kind: ClassVar[Kind]

    def __init__(
        self,
        parameter_space: Mapping[str, Any],
        properties: Any = None,
        *,
        seed: int | None = None,
        constraints: Condition | Sequence[Condition] = (),
    ) -> None:
        if not isinstance(parameter_space, Mapping):
            raise UserErrorException(
                f"parameter_space is {shown(parameter_space)}. Use a dict, such as {{'--lr': uniform(0, 1)}}."
            )
        self.parameter_space: dict[str, Any] = plain(parameter_space)
        self.constraints = _each(constraints)
        self.seed = int.from_bytes(os.urandom(4), "big") if seed is None else int(seed)
        self.space = Space.parse(self.parameter_space, self.constraints)

    @property
    def sampling(self) -> Sampling:
        """As it is sent."""
        return Sampling(self.kind, self.seed)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.parameter_space!r})"


def _each(constraints: Condition | Sequence[Condition]) -> tuple[Condition, ...]:
    if isinstance(constraints, str) or callable(constraints):
        return (constraints,)
    try:
        return tuple(constraints)
    except TypeError:
        raise UserErrorException(
            f"constraints is {shown(constraints)}. Give a list of texts, such as ['batch * layers <= 4096']."
        ) from None


def as_texts(constraints: Sequence[Condition]) -> tuple[str, ...]:
    """For a server. Raises UserErrorException for a function, which runs in the client only."""
    texts = []
    for each in constraints:
        if callable(each):
            raise UserErrorException(
                f"The constraint {name_of(each)} is a Python function, and the server, which draws the trials, runs "
                "none. Write it as a text, such as 'batch * layers <= 4096', or draw and run the trials in this "
                "process, by faena.Asking."
            )
        texts.append(each)
    return tuple(texts)


class RandomParameterSampling(HyperParameterSampling):
    """Each trial by chance, by itself; nothing twice."""

    kind = "random"


class GridParameterSampling(HyperParameterSampling):
    """Every combination, in order. For parameters that are choices."""

    kind = "grid"


class SobolParameterSampling(HyperParameterSampling):
    """Points that fill the space more evenly than chance does. See I. M. Sobol', 1967."""

    kind = "sobol"


class BayesianParameterSampling(HyperParameterSampling):
    """What the trials so far make likely to be good, by Optuna: `model` is "tpe" or "gp". Needs `faena[tuning]`."""

    kind = "bayesian"

    def __init__(
        self,
        parameter_space: Mapping[str, Any],
        properties: Any = None,
        *,
        model: Literal["tpe", "gp"] = "tpe",
        seed: int | None = None,
        constraints: Condition | Sequence[Condition] = (),
    ) -> None:
        super().__init__(parameter_space, properties, seed=seed, constraints=constraints)
        if model not in ("tpe", "gp"):
            raise UserErrorException(f"model is {shown(model)}. Use 'tpe' or 'gp'.")
        self.model = model

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.kind, self.seed, self.model)


class CmaEsParameterSampling(HyperParameterSampling):
    """Covariance matrix adaptation, by Optuna: for spaces of numbers. Needs `faena[tuning]`."""

    kind = "cmaes"


class Nsga2ParameterSampling(HyperParameterSampling):
    """The genetic algorithm NSGA-II (Deb et al., 2002), by Optuna: for several objectives. Needs `faena[tuning]`.

    `population_size`: trials in a generation; the first one is drawn by chance.
    """

    kind = "nsga2"

    def __init__(
        self,
        parameter_space: Mapping[str, Any],
        properties: Any = None,
        *,
        population_size: int = 50,
        seed: int | None = None,
        constraints: Condition | Sequence[Condition] = (),
    ) -> None:
        super().__init__(parameter_space, properties, seed=seed, constraints=constraints)
        try:
            self.population_size = operator.index(population_size)
        except TypeError:
            raise UserErrorException(
                f"population_size is {shown(population_size)}. Use a whole number, such as 50."
            ) from None
        check_population(self.population_size)

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.kind, self.seed, population_size=self.population_size)


class PopulationBasedTraining(HyperParameterSampling):
    """A population of members is trained in generations, of which each trial is an interval (Jaderberg et al., 2017).

    Each trial starts from a checkpoint, which it finds in the folder that the script's argument `checkpoint_argument`
    names, trains for one interval, leaves its own there and ends. A member's next trial goes on from there; of the
    worst `quantile_fraction` it goes on from the checkpoint of one of the best, with its parameters perturbed: numbers
    times one of `perturbation_factors`, options of a choice replaced by a neighbour, with `resample_probability` drawn
    anew. `max_total_runs` of the sweep is `population` times generations.
    """

    kind = "pbt"

    def __init__(
        self,
        parameter_space: Mapping[str, Any],
        properties: Any = None,
        *,
        population: int,
        checkpoint_argument: str,
        quantile_fraction: float = 0.25,
        resample_probability: float = 0.25,
        perturbation_factors: Sequence[float] = (0.8, 1.2),
        seed: int | None = None,
        constraints: Condition | Sequence[Condition] = (),
    ) -> None:
        super().__init__(parameter_space, properties, seed=seed, constraints=constraints)
        given = {
            "size": population,
            "checkpoint_argument": checkpoint_argument,
            "quantile_fraction": quantile_fraction,
            "resample_probability": resample_probability,
            "perturbation_factors": plain(perturbation_factors),
        }
        try:
            self.population = msgspec.convert(plain(given), Population)
        except msgspec.ValidationError as error:
            raise UserErrorException(f"The population cannot be described: {error}.") from None

    @property
    def sampling(self) -> Sampling:
        return Sampling(self.kind, self.seed, population=self.population)
