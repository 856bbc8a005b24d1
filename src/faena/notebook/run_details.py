"""RunDetails: v1's word for a view of a run in a notebook."""

from __future__ import annotations

from typing import Any

from faena.client.runs.run import Run
from faena.client.wire import shown
from faena.kernel.clock import iso
from faena.kernel.errors import UserErrorException
from faena.kernel.file_names import log_precedence
from faena.notebook.show import begin
from faena.notebook.showing import Showing

_LOG_BYTES = 64 << 10


class RunDetails:
    """A view of a run or a sweep, which `show` puts into the cell's output and which goes on until the run has ended.

    `live`: as a widget where the notebook has one; False: as HTML throughout, which is replaced.
    """

    def __init__(self, run_instance: Run, *, live: bool = True) -> None:
        if not isinstance(run_instance, Run):
            raise UserErrorException(
                f"{shown(run_instance)} is no run. Give one, such as RunDetails(experiment.submit(…))."
            )
        self._run = run_instance
        self._live = live
        self._showing: Showing | None = None

    def show(self, render_lib: object = None, widget_settings: object = None) -> None:
        """Show it, and return at once. `render_lib` and `widget_settings` have no effect."""
        self._showing = begin(self._run, live=self._live)

    def close(self) -> None:
        """Leave the view as it is now."""
        if self._showing is not None:
            self._showing.close()

    def get_widget_data(self, widget_settings: object = None) -> dict[str, Any]:
        """What the view shows, in v1's keys."""
        view = self._run.refresh()
        times = {
            "created_utc": iso(view.created_at),
            "start_time_utc": None if view.started_at is None else iso(view.started_at),
            "end_time_utc": None if view.ended_at is None else iso(view.ended_at),
        }
        metrics = self._run.get_metrics()
        return {
            "status": view.status,
            "workbench_run_details_uri": self._run.get_portal_url(),
            "run_id": self._run.id,
            "run_number": view.number,
            "run_properties": {
                "run_id": view.id,
                **times,
                "status": view.status,
                "tags": view.tags,
                "properties": view.properties,
            },
            "child_runs": [
                {"run_id": child.id, "status": child.refresh().status} for child in self._run.get_children()
            ],
            "run_metrics": [_series(self._run.id, name, value) for name, value in metrics.items()],
            "run_logs": self._log(),
            "widget_settings": {},
            "loading": False,
        }

    def _log(self) -> str:
        """The end of the log that says most."""
        api = self._run.experiment.workspace.api
        names = [file.name for file in api.files(self._run.id) if log_precedence(file.name)[0] >= 0]
        if not names:
            return ""
        tail = b""
        with api.open_file(self._run.id, max(names, key=log_precedence)) as parts:
            for part in parts:
                tail = (tail + part)[-_LOG_BYTES:]
        return tail.decode("utf-8", "replace")


def _series(run_id: str, name: str, value: Any) -> dict[str, Any]:
    values = value if isinstance(value, list) else [value]
    return {
        "name": name,
        "run_id": run_id,
        "categories": list(range(len(values))),
        "series": [{"data": values}],
    }
