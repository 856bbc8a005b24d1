"""The datasets that a run was given: what `Run.input_datasets` holds. From the environment, as the node set it."""

from __future__ import annotations

import os

from faena.script.file_inputs import InputDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Inputs(dict):  # type: ignore[type-arg]  # subscripting dict needs Python 3.9
    """By name: a path (str) for what is mounted or downloaded, else an `InputDataset` or a `TabularDataset`."""

    def __missing__(self, name: object) -> Any:
        known = ", ".join(repr(each) for each in self) or "none"
        raise KeyError("The run has no input dataset {!r}. It has: {}.".format(name, known))


def read() -> Inputs:
    """What this process was given."""
    import json

    told = json.loads(os.environ.get("FAENA_INPUTS") or "{}")
    return Inputs((name, _input(name, data)) for name, data in told.items())


def _input(name: str, data: dict[str, str]) -> Any:
    if "tabular" in data:
        from faena.script.tabular.given import read_listing  # few scripts have tables

        return read_listing(name, data["id"], data["tabular"])
    return InputDataset(name, data["id"], data["path"]) if data["mode"] == "direct" else data["path"]
