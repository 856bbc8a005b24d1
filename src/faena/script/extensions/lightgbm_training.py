"""LightGBM: `lightgbm.train(…, callbacks=[LightGBMReport()])`, also of its scikit-learn classes and of `cv`."""

from __future__ import annotations

from faena.script.extensions.numbers import log_numbers, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LightGBMReport:
    """Logs each evaluation as `<data>-<metric>`, those of `cv` with `-mean` and `-stdv`; the step is the iteration."""

    order = 20
    before_iteration = False

    def __init__(self, run: Any = None) -> None:
        """`run`: default, the run of this process."""
        self._run = run

    def __call__(self, env: Any) -> None:
        found = {}
        for data, metric, value, _, *deviation in env.evaluation_result_list or ():
            name = "{}-{}".format(data, metric)
            if deviation:
                found[name + "-mean"], found[name + "-stdv"] = value, deviation[0]
            else:
                found[name] = value
        log_numbers(run_of(self._run), found, env.iteration)
