"""v1's samplings: Faena's, with what v1 refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faena.client.sweeps import samplings as faena
from faena.kernel.errors import UserErrorException
from faena.sweeps import samplings
from faena.sweeps.expressions import as_written

_LEARNED_FROM = ("choice", "uniform", "quniform")


class GridParameterSampling(faena.GridParameterSampling):
    """Every combination, in order. `settings`: what Faena's has beyond v1's.

    Raises UserErrorException for a parameter that is no choice.
    """

    def __init__(self, parameter_space: Mapping[str, Any], **settings: Any) -> None:
        super().__init__(parameter_space, **settings)
        samplings.check(self.space, self.sampling)


class BayesianParameterSampling(faena.BayesianParameterSampling):
    """What the trials so far make likely to be good. `settings`: what Faena's has beyond v1's, such as `seed`.

    Raises UserErrorException for expressions other than choice, uniform and quniform, as v1 did; Faena's own class of
    this name takes all of them.
    """

    def __init__(self, parameter_space: Mapping[str, Any], **settings: Any) -> None:
        super().__init__(parameter_space, **settings)
        for name, given in self.parameter_space.items():
            word, _ = as_written(given)
            if word not in _LEARNED_FROM:
                raise UserErrorException(
                    f"Parameter {name!r}: BayesianParameterSampling takes choice, uniform and quniform, not {word}. "
                    "Use one of these, RandomParameterSampling, or faena.BayesianParameterSampling, which takes all."
                )
