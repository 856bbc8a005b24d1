"""What a sweep came to: as a table, as figures, as a front, and under another policy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from faena.sweeps.schemas import SweepView, TrialView

if TYPE_CHECKING:
    from faena.client.sweeps.axes import Drawable
    from faena.client.sweeps.dry_policy import DryPolicy
    from faena.client.sweeps.policies import EarlyTerminationPolicy
    from faena.sweeps.learning.export import Exported


class SweepResults:
    """What only those load who ask for it is imported where it is done."""

    if TYPE_CHECKING:  # the run that it is a part of has them
        id: Any
        experiment: Any

        @property
        def sweep(self) -> SweepView: ...

        def trials(self, *, best_first: bool = False) -> Iterator[TrialView]: ...

    def trials_frame(self) -> Any:
        """A pandas data frame, a row a trial: `number`, `run_id`, `status`, `parameters.…`, `metrics.…` (of each
        objective), `stopped` (why), `tries` and `source`. A flag is True or False.

        Raises UserErrorException where pandas is not installed.
        """
        from faena.client.sweeps.frame import frame

        return frame(self.sweep.spec, self.trials())

    def pareto_front(self) -> list[TrialView]:
        """The trials to which no other is equal or better in every objective and better in one, by the first objective.

        Those that do not fulfil `metric_constraints` are no candidates; a condition on a metric that is no objective is
        about its last value. With `repeats` means are compared, and all trials of a choice are on it or none.
        """
        from faena.client.sweeps.front import front

        return front(self.sweep.spec, list(self.trials()), self._last_values)

    def plot_history(self, *, metric: str | None = None) -> Any:
        """A Plotly figure: the value of each trial in their order, and the best so far.

        `metric`: of several objectives which one; default: the primary metric. Raises UserErrorException where Plotly
        is not installed (`faena[charts]`), here and for all other figures.
        """
        from faena.client.sweeps import figures

        return figures.history(self._drawable(metric))

    def plot_parallel_coordinates(self, *parameters: str, metric: str | None = None) -> Any:
        """A Plotly figure: a line for each trial through its parameters and its value, the better the darker.

        `parameters`: default: all, or where there are many those that explain most.
        """
        from faena.client.sweeps import figures

        return figures.parallel_coordinates(self._drawable(metric), parameters)

    def plot_slice(self, *parameters: str, metric: str | None = None) -> Any:
        """A Plotly figure: the value over each parameter by itself."""
        from faena.client.sweeps import figures

        return figures.slices(self._drawable(metric), parameters)

    def plot_contour(self, x: str, y: str, *, metric: str | None = None) -> Any:
        """A Plotly figure: the value over two parameters, interpolated between the trials."""
        from faena.client.sweeps import pairs

        return pairs.contour(self._drawable(metric), x, y)

    def plot_importance(self, *, metric: str | None = None) -> Any:
        """A Plotly figure: the share of the differences between trials that each parameter explains by itself."""
        from faena.client.sweeps import figures

        return figures.importance(self._drawable(metric))

    def plot_pareto(self, x: str | None = None, y: str | None = None) -> Any:
        """A Plotly figure: two objectives of each trial, by default the first two, and the Pareto front of all.

        Trials that do not fulfil `metric_constraints` are crosses.
        """
        from faena.client.sweeps import front, pairs

        spec, trials = self.sweep.spec, list(self.trials())
        across, up = front.two_objectives(spec, trials, x, y)
        on, refused = front.front_and_refused(spec, trials, self._last_values)
        return pairs.pareto(across, up, on, refused)

    def dry_policy(self, policy: EarlyTerminationPolicy) -> DryPolicy:
        """Whom another policy would have stopped by what the trials have logged so far, and what that would have saved.

        `print` says it in a sentence; `stops` says who, and by which values. Trials are replayed in the order in which
        they logged, up to two million values. Raises UserErrorException for more, and for what is no policy.
        """
        from faena.client.sweeps.dry_policy import dry_policy

        objective = self.sweep.spec.objectives[0]
        return dry_policy(self.experiment.workspace, self.id, objective, self.trials(), policy)

    def export_study(self, path: str | os.PathLike[str]) -> Exported:
        """Write the trials as a study of Optuna's, for its dashboard or code that uses it: as a journal file, or as
        SQLite where the name ends in `.db`, `.sqlite` or `.sqlite3`.

        With the values that each trial logged of the primary metric, up to a thousand, evenly. The study is named after
        the sweep. Raises UserErrorException where optuna is not installed (`faena[tuning]`), or something is at `path`.
        """
        from faena.client.sweeps.study import export_study

        return export_study(self.experiment.workspace, self.id, self.sweep.spec, list(self.trials()), path)

    def _drawable(self, metric: str | None) -> Drawable:
        from faena.client.sweeps.axes import drawable

        return drawable(self.sweep.spec, self.trials(), metric)

    def _last_values(self) -> dict[str, dict[str, float | None]]:
        """Of all metrics, by run."""
        from faena.client.sweeps.logged import rows_of

        rows = rows_of(self.experiment.workspace, self.id, whole=True)
        return {run_id: row.metrics or {} for run_id, row in rows.items()}
