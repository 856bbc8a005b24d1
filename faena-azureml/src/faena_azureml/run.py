"""v1's functions about runs."""

from __future__ import annotations

from faena.client.experiment import Experiment
from faena.client.run import Run


def get_run(experiment: Experiment, run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """The run of that id. Raises NotFound."""
    return Run(experiment, run_id)
