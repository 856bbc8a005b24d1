"""v1's functions about runs."""

from __future__ import annotations

from faena import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from faena.client.runs.experiment import Experiment


def get_run(experiment: Experiment, run_id: str, rehydrate: bool = True, clean_up: bool = True) -> Run:
    """The run of that id. Raises NotFound."""
    return Run(experiment, run_id)
