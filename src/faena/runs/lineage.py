"""Which data a run was given, in v1's words."""

from __future__ import annotations

from typing import Any

from faena.data.datasets.schemas import anonymous_id
from faena.runs.schemas import RunView

_ANSWERED = "answered:"
"""How codes of such notes begin; see `_faena_dead_data.py`."""
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
    ] + [
        {
            "dataset": {"id": dataset},
            "consumptionDetails": {"type": "Answered", "inputName": address, "mechanism": "Download"},
        }
        for dataset, address in answered_data(run)
    ]


def answered_data(run: RunView) -> list[tuple[str, str]]:
    """Data sets, and the addresses where the script asked for them, which were answered from a verified copy."""
    found = (note.code.split(":", 2) for note in run.notes if _is_answer(note.code))
    return [(dataset, address) for _, dataset, address in found]


def _is_answer(code: str) -> bool:
    return code.startswith(_ANSWERED) and code.count(":") > 1


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
