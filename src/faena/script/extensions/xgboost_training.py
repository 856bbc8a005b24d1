"""XGBoost: `xgboost.train(…, callbacks=[XGBoostReport()])`, also of its scikit-learn classes and `cv`."""

from __future__ import annotations

from importlib import import_module

from faena.script.extensions.numbers import log_numbers, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _base() -> Any:
    """Before 1.3 there is none: a callback is called with what stands in an `env`."""
    return getattr(import_module("xgboost.callback"), "TrainingCallback", object)


class XGBoostReport(_base()):  # type: ignore[misc]  # which XGBoost it is, is known when it runs
    """Logs each evaluation as `<data>-<metric>`, those of `cv` with `-mean` and `-stdv`; the step is the round."""

    def __init__(self, run: Any = None) -> None:
        """`run`: default, the run of this process."""
        super().__init__()
        self._run = run

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        found = {}
        for data, metrics in evals_log.items():
            for metric, values in metrics.items():
                name = "{}-{}".format(data, metric)
                last = values[-1]
                if isinstance(last, (tuple, list)):
                    found[name + "-mean"], found[name + "-stdv"] = last
                else:
                    found[name] = last
        log_numbers(run_of(self._run), found, epoch)
        return False  # go on

    def __call__(self, env: Any) -> None:
        """A round of XGBoost before 1.3."""
        found = {}
        for name, value, *deviation in env.evaluation_result_list or ():
            if deviation:
                found[name + "-mean"], found[name + "-stdv"] = value, deviation[0]
            else:
                found[name] = value
        log_numbers(run_of(self._run), found, env.iteration)
