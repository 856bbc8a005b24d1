"""XGBoost 1.3 and newer: `xgboost.train(…, callbacks=[XGBoostReport()])`, also of its scikit-learn classes and `cv`."""

from __future__ import annotations

from xgboost.callback import TrainingCallback

from faena.script.extensions.numbers import log_numbers, run_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class XGBoostReport(TrainingCallback):  # type: ignore[misc]  # not installed where types are checked
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
