"""v1's notebook widget. The live one comes later; until then it tells the run's state once, in text."""

from __future__ import annotations

from typing import Any

from faena.client.runs.run import Run
from faena.script.messages import tell


class RunDetails:
    """RunDetails(run).show() prints the state of the run and how to follow it."""

    def __init__(self, run_instance: Run) -> None:
        self._run = run_instance

    def show(self, render_lib: object = None, widget_settings: object = None) -> None:
        """Returns at once, as v1's does."""
        tell(
            f"Run {self._run.id}: {self._run.get_status()}\n"
            "The live widget comes later. Follow the run with run.wait_for_completion(show_output=True)."
        )

    def get_widget_data(self, widget_settings: object = None) -> dict[str, Any]:
        """What the widget would show: status, metrics."""
        return {
            "status": self._run.get_status(),
            "run_id": self._run.id,
            "run_metrics": self._run.get_metrics(),
        }
