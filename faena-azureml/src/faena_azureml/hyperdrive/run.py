"""v1's HyperDriveRun: Faena's, with what v1 kept among tags and properties."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from faena.client.runs import sweep_run as faena
from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import HYPERDRIVE
from faena_azureml.hyperdrive.config import HyperDriveConfig

if TYPE_CHECKING:
    from faena.client.runs.run import RunGroup
    from faena.sweeps.schemas import TrialView


class HyperDriveRun(faena.HyperDriveRun):
    """A sweep that was submitted. Raises NotFound, and UserErrorException for a run that is no sweep."""

    _config: HyperDriveConfig | None = None

    def __init__(
        self,
        experiment: RunGroup,
        run_id: str,
        hyperdrive_config: HyperDriveConfig | None = None,
        **without_effect: Any,
    ) -> None:
        super().__init__(experiment, run_id)
        if self.type != HYPERDRIVE:
            raise UserErrorException(
                f"Run {run_id} is of type {self.type!r} and no sweep. Use Run(experiment, run_id)."
            )
        self._config = hyperdrive_config

    @property
    def hyperdrive_config(self) -> HyperDriveConfig:  # type: ignore[override]  # v1's handle
        """What it was made with; as the workspace has it, that is without estimator and run_config."""
        if self._config is None:
            self._config = HyperDriveConfig.of_spec(self.sweep.spec)
        return self._config

    def cancel(self) -> bool:  # type: ignore[override]  # v1 told
        """Ask the sweep and its trials to stop; True."""
        super().cancel()
        return True

    def fail(self, *given: Any, **named: Any) -> NoReturn:
        """Not there, as in v1: a sweep fails when its trials do. Raises NotImplementedError."""
        raise NotImplementedError("A HyperDriveRun cannot be failed. Stop it with cancel().")

    def get_diagnostics(self) -> NoReturn:
        """Not there, as in v1. Raises NotImplementedError."""
        raise NotImplementedError(
            "A HyperDriveRun has no diagnostics. get_details_with_logs() has what it tells of itself."
        )

    def _listed_trials(self, *, best_first: bool = False) -> Iterator[TrialView]:
        """Its children: those of sweeps that it goes on from are theirs."""
        return (trial for trial in self.trials(best_first=best_first) if trial.source != "adopted")

    def get_tags(self) -> dict[str, str]:
        """Its tags; among them, as v1 had it, the parameters of each trial by the id of its run."""
        return {**super().get_tags(), **self.get_hyperparameters()}

    def get_details(self) -> dict[str, Any]:
        """v1's keys; `tags` has the parameters of each trial, `properties` the metric and the best one."""
        found = super().get_details()
        return {
            **found,
            "properties": {**self._told(), **found["properties"]},
            "tags": {**found["tags"], **self.get_hyperparameters()},
        }

    def _told(self) -> dict[str, str]:
        sweep = self.sweep
        objective = sweep.spec.objectives[0]
        told = {
            "primary_metric_config": json.dumps({"name": objective.name, "goal": objective.goal}),
            "runTemplate": "HyperDrive",
            "azureml.runsource": "hyperdrive",
        }
        if sweep.best is None or sweep.best.run_id is None:
            return told
        return {**told, "best_child_run_id": sweep.best.run_id, "score": repr(sweep.best.value)}
