"""`--data` of `faena submit`: data that the node brings for a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from faena.kernel.errors import UserErrorException

if TYPE_CHECKING:
    from faena.client.data.data_reference import DataReference
    from faena.client.data.dataset import DatasetConsumptionConfig, FileDataset, TabularDataset
    from faena.client.data.run_output import RunOutput
    from faena.client.workspace import Workspace

_STORE, _RUN = "datastore://", "run:"
_MODES = ("mount", "download", "upload", "direct")


def read(current: Workspace, text: str) -> DataReference | DatasetConsumptionConfig | RunOutput:
    """`[NAME=]PLACE[,MODE]`: a registered dataset `NAME[:VERSION]`, `datastore://STORE/PATH`, `run:RUN/PATH`, an
    address, a local path.

    Raises UserErrorException, NotFound.
    """
    name, equals, rest = text.partition("=")
    if not equals or "/" in name:  # under its own name; a path may have a sign of equality in it
        name, rest = _own_name(text), text
    if not re.fullmatch(r"\w+", name, re.ASCII):
        raise UserErrorException(
            f"--data {text[:80]!r} cannot be read. Use NAME=DATASET[:VERSION], NAME=datastore://STORE/PATH, "
            "NAME=run:RUN/outputs/PATH, NAME=https://… or NAME=./FOLDER; with ,mount or ,download or ,upload behind it."
        )
    place, comma, mode = rest.rpartition(",")
    if not comma or mode not in _MODES:
        place, mode = rest, "mount"
    if place.startswith(_STORE):
        return _reference(current, name, place.removeprefix(_STORE), mode)
    if place.startswith(_RUN):
        return _output(current, name, place.removeprefix(_RUN), mode)
    from faena.client.data.dataset import DatasetConsumptionConfig

    if mode == "upload":
        raise UserErrorException(
            f"--data {name}: nothing can be uploaded to {place[:80]!r}. Use datastore://STORE/PATH,upload."
        )
    return DatasetConsumptionConfig(name, _dataset(current, place), mode)  # type: ignore[arg-type]  # one of _MODES


def _own_name(text: str) -> str:
    """That of a dataset, or what of a place's last part can be a name: `data_2` for `./data-2`."""
    place, comma, mode = text.rpartition(",")
    place = place if comma and mode in _MODES else text
    if "/" not in place:
        return re.split("[:,]", place)[0]
    return re.sub(r"\W+", "_", PurePath(place).name, flags=re.ASCII).strip("_")


def filled(
    arguments: Sequence[str], inputs: Sequence[DataReference | DatasetConsumptionConfig | RunOutput]
) -> list[str]:
    """The script's arguments, with the path of an input where `{NAME}` stands."""
    tokens = {f"{{{data.name}}}": data.token for data in (each.data_input() for each in inputs)}
    found = []
    for argument in arguments:
        for written, token in tokens.items():
            argument = argument.replace(written, token)
        found.append(argument)
    return found


def _reference(current: Workspace, name: str, place: str, mode: str) -> DataReference:
    from faena.client.data.data_reference import DataReference

    if mode == "direct":
        raise UserErrorException(f"--data {name}: a path in a datastore is mounted, downloaded or uploaded.")
    store, _, path = place.partition("/")
    found = current.datastores.get(store)
    if found is None:
        known = ", ".join(current.datastores)
        raise UserErrorException(f"--data {name}: there is no datastore {store[:80]!r}. There is: {known}.")
    return DataReference(found, name, path or None, mode)


def _output(current: Workspace, name: str, place: str, mode: str) -> RunOutput:
    from faena.cli.naming import view_of
    from faena.client.data.run_output import RunOutput

    if mode not in ("mount", "download"):
        raise UserErrorException(f"--data {name}: what a run has left is mounted or downloaded.")
    run, _, path = place.partition("/")
    left = current.api.records.left_files(view_of(current.api, run).id, path)
    return RunOutput(left, name, mode)


def _dataset(current: Workspace, place: str) -> FileDataset | TabularDataset:
    from faena.client.data.dataset import Dataset

    if re.match(r"https?://", place):
        return Dataset.File.from_files(place)
    if "/" in place:
        return Dataset.File.from_files(place, workspace=current)
    name, colon, version = place.rpartition(":")
    found: FileDataset | TabularDataset = (
        Dataset.get_by_name(current, name, version) if colon else Dataset.get_by_name(current, place)
    )
    return found
