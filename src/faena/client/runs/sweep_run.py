"""HyperDriveRun: a sweep that was submitted, in v1's words and in some of ours."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from faena.client.runs.run import Run
from faena.client.sweeps.plain import plain
from faena.client.sweeps.results import SweepResults
from faena.client.sweeps.samplings import as_texts
from faena.client.wire import shown
from faena.kernel import ids
from faena.kernel.errors import UserErrorException
from faena.sweeps.arguments import arguments_of
from faena.sweeps.schemas import DELETED, SweepChange, SweepView, TrialView


class HyperDriveRun(SweepResults, Run):
    """A run whose children are the trials of a sweep."""

    def get_best_run_by_primary_metric(
        self,
        include_failed: bool = True,
        include_canceled: bool = True,
        include_resume_from_runs: bool = True,
    ) -> Run | None:
        """The trial with the best value of the primary metric so far, of all that it logged; None while there is none.

        `include_canceled`: also those that a policy has stopped. `include_resume_from_runs`: also trials of the sweeps
        that it goes on from, and runs that it has taken in.
        """
        left_out = _left_out(include_failed, include_canceled)
        for trial in self._api.sweeps.trials(self.id, best_first=True):
            if trial.value is None:
                return None
            if trial.source == "adopted" and not include_resume_from_runs:
                continue
            if trial.status not in left_out and trial.run_id is not None:
                return self._trial(trial.run_id)
        return None

    def get_children_sorted_by_primary_metric(
        self, top: int = 0, reverse: bool = False, discard_no_metric: bool = False
    ) -> builtins.list[dict[str, Any]]:
        """The trials, best first, each with `run_id`, `hyperparameters` (JSON), `best_primary_metric` and `status`.

        `top`: so many at most; 0: all. `reverse`: worst first. Trials without the metric come last, unless
        `discard_no_metric`.
        """
        if not isinstance(top, int) or isinstance(top, bool) or top < 0:
            raise UserErrorException(f"top is {shown(top)}. Use a whole number; 0 means all.")
        found = [trial for trial in self._listed_trials(best_first=True) if trial.run_id]
        ranked = [trial for trial in found if trial.value is not None]
        without = [] if discard_no_metric else [trial for trial in found if trial.value is None]
        ordered = [*(reversed(ranked) if reverse else ranked), *without]
        return [
            {
                "run_id": trial.run_id,
                "hyperparameters": json.dumps(trial.parameters),
                "best_primary_metric": trial.value,
                "status": trial.status,
            }
            for trial in (ordered[:top] if top else ordered)
        ]

    def get_hyperparameters(self) -> dict[str, str]:
        """The parameters of each trial, as JSON, by the id of its run."""
        return {
            trial.run_id: json.dumps(trial.parameters)
            for trial in self._listed_trials()
            if trial.run_id is not None
        }

    def get_metrics(
        self,
        name: str | None = None,
        recursive: bool = False,
        run_type: str | None = None,
        populate: bool = False,
        run_ids: Sequence[str] | None = None,
        use_batch: bool = True,
    ) -> dict[str, Any]:
        """The metrics of each trial, by the id of its run; one metric alone where `name` is given.

        Without trials whose run is not in the workspace: it was deleted, or not exported with the sweep.
        """
        trials = [
            self._trial(trial.run_id)
            for trial in self._listed_trials()
            if trial.run_id is not None and trial.status != DELETED
        ]
        wanted = [trial for trial in trials if run_ids is None or trial.id in run_ids]
        return {trial.id: trial.get_metrics(name, recursive, run_type, populate) for trial in wanted}

    @property
    def sweep(self) -> SweepView:
        """The sweep as it is now: its description, counts of its trials by state, the best one."""
        return self._api.sweeps.get(self.id)

    def trials(self, *, best_first: bool = False) -> Iterator[TrialView]:
        """All trials, those without a run among them, by number or from best to worst."""
        return self._api.sweeps.trials(self.id, best_first=best_first)

    def _listed_trials(self, *, best_first: bool = False) -> Iterator[TrialView]:
        """What lists and dicts of all trials are made of."""
        return self.trials(best_first=best_first)

    def enqueue(self, *trials: Mapping[str, Any]) -> builtins.list[TrialView]:
        """Have these parameters tried next. Raises UserErrorException for what is not in the space."""
        return self._api.sweeps.give(self.id, trials, ids.new_request_id())

    def extend(
        self,
        max_total_runs: int | None = None,
        *,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: float | None = None,
        parameter_space: Mapping[str, Any] | None = None,
        constraints: Sequence[str] | None = None,
    ) -> SweepView:
        """Change a sweep that goes on; what is not given stays. `max_duration_minutes`: from now on.

        With another space what was tried stays, and counts where it lies in the new one.
        Raises Conflict for a sweep that has ended.
        """
        space = None if parameter_space is None else plain(parameter_space)
        conditions = None if constraints is None else as_texts(constraints)
        return self._api.sweeps.change(
            self.id,
            SweepChange(max_total_runs, max_concurrent_runs, max_duration_minutes, space, conditions),
        )

    def adopt(self, *runs: Run | str) -> builtins.list[TrialView]:
        """Take in runs that have ended: the sweep knows them as trials, and learns from them.

        Raises UserErrorException for one whose arguments are not in the space, or that has not ended.
        """
        return self._api.sweeps.adopt(self.id, [run if isinstance(run, str) else run.id for run in runs])

    def rerun_failed(self) -> builtins.list[TrialView]:
        """Try the trials again that have failed, with the same parameters. Raises Conflict for a sweep that has ended:
        a new one with `resume_from` and `resume_child_runs` goes on from it.
        """
        return self._api.sweeps.rerun_failed(self.id)

    def pause(self) -> SweepView:
        """Start no trial until `resume`; those that run go on."""
        return self._api.sweeps.change(self.id, SweepChange(paused=True))

    def resume(self) -> SweepView:  # type: ignore[override]  # it goes on itself, where another run is a new one
        """Start trials again."""
        return self._api.sweeps.change(self.id, SweepChange(paused=False))

    @property
    def hyperdrive_config(self) -> dict[str, Any]:
        """What the sweep was asked for, as plain values."""
        found: dict[str, Any] = msgspec.to_builtins(self.sweep.spec)
        return found

    def _shown(self) -> dict[str, object]:
        view = self.sweep
        best = view.best
        counts = ", ".join(f"{count:,} {status}" for status, count in view.counts.items() if count)
        found = {
            "Trials": f"{view.trials:,} of {view.spec.max_total_runs:,}{f' ({counts})' if counts else ''}",
            "Best": ""
            if best is None or best.value is None
            else f"{view.spec.objectives[0].name} {best.value:.6g} ({' '.join(arguments_of(best.parameters))})",
        }
        shown = super()._shown()
        page = shown.pop("Page")
        return {**shown, **found, "Page": page}

    def _summary(self) -> str:
        """With the best trial, by all that its sweep knows, as the last line."""
        view = self.sweep
        best = view.best
        if best is None or best.value is None:
            return f"{super()._summary()}\nBest trial: none, since none has logged {view.spec.objectives[0].name}"
        where = f"{view.spec.objectives[0].name} {best.value!r}"
        return f"{super()._summary()}\nBest trial: {best.run_id}, {where} ({' '.join(arguments_of(best.parameters))})"

    def _trial(self, run_id: str) -> Run:
        return Run._listed(self.experiment, run_id)


def _left_out(include_failed: bool, include_canceled: bool) -> set[str]:
    choices = (("Failed", include_failed), ("Canceled", include_canceled), (DELETED, False))
    return {status for status, included in choices if not included}
