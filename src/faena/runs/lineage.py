"""Which data a run was given, in v1's words."""

from __future__ import annotations

from typing import Any

from faena.data.datasets.schemas import anonymous_id
from faena.runs.schemas import RunView

_MECHANISMS = {"mount": "Mount", "download": "Download", "direct": "Direct"}


def input_datasets(run: RunView) -> list[dict[str, Any]]:
    """For `inputDatasets` of the run's details."""
    return [
        {
            "dataset": {"id": data.left_by or data.dataset or anonymous_id(data.sources, data.tabular)},
            "consumptionDetails": {
                "type": "RunInput",
                "inputName": data.name,
                "mechanism": _MECHANISMS[data.mode],
                **({"pathOnCompute": data.path_on_compute} if data.path_on_compute else {}),
            },
        }
        for data in run.inputs
        if not data.datastore
    ]


def data_references(run: RunView) -> dict[str, dict[str, Any]]:
    """For `dataReferences` of the run's definition, by name."""
    return {
        data.name: {
            "dataStoreName": data.datastore,
            "mode": data.mode.capitalize(),
            "pathOnDataStore": data.path or None,
            "pathOnCompute": data.path_on_compute or None,
            "overwrite": data.overwrite,
        }
        for data in run.inputs
        if data.datastore
    }
