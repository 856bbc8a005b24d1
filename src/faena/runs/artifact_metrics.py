"""Metrics whose value is a file of the run: an image, a confusion matrix and its kin."""

from __future__ import annotations

import json
from typing import Any

from faena.db import Read
from faena.objects.contract import ObjectFiles
from faena.tracking import files as run_files

_ADDRESS = "aml://artifactId/ExperimentRun/dcid."
"""v1's address of a file of a run: this, the run's id, a slash, the file's name."""
_LARGEST = 16 << 20
"""Bytes of a file that is put into an answer."""


def file_named(run_id: str, value: Any) -> str:
    """The name of the file of this run that a metric's value stands for; empty where it stands for none."""
    prefix = f"{_ADDRESS}{run_id}/"
    return value.removeprefix(prefix) if isinstance(value, str) and value.startswith(prefix) else ""


def populated(read: Read, objects: ObjectFiles, run_id: str, metrics: dict[str, Any]) -> dict[str, Any]:
    """The metrics with the contents of JSON files in place of their addresses; images keep theirs."""
    kept = {file.name: file for file in run_files.files(read, run_id)}

    def content(value: Any) -> Any:
        if isinstance(value, list):
            return [content(each) for each in value]
        file = kept.get(file_named(run_id, value))
        if file is None or file.size > _LARGEST:
            return value
        with objects.open(file.digest) as data:
            try:
                return json.loads(data.read())
            except (ValueError, RecursionError):  # no JSON: an image
                return value

    return {name: content(value) for name, value in metrics.items()}
