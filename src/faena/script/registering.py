"""A run whose files become models, asked for over the runner's socket."""

from __future__ import annotations

import os

from faena.script import values
from faena.script.errors import UserErrorException
from faena.script.family import FamilyRun
from faena.script.handles import RegisteredModel
from faena.script.known import TRANSFER_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping


class RegisteringRun(FamilyRun):
    """Registering waits until the bytes are kept, so that the model is whole when the call returns."""

    __slots__ = ()

    def register_model(
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, str] | None = None,
        properties: Mapping[str, str] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        description: str | None = None,
        datasets: Any = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> RegisteredModel:
        """Registers a file or folder of the run as a new version of `model_name`.

        `model_path` is its place among the run's files, such as `outputs/model.npz` (default: `model_name`).
        `datasets`: pairs such as `("training", dataset)`, kept as the model's lineage, as the two samples are.
        `resource_configuration` has no effect until models are deployed.
        Raises ModelPathNotFoundException when no such file is there, UserErrorException for a bad name.
        """
        from faena.script.uploads import check_file_name

        samples = (
            ("sample_input_dataset", sample_input_dataset),
            ("sample_output_dataset", sample_output_dataset),
        )
        datasets = [*(datasets or ()), *(each for each in samples if each[1] is not None)]

        arguments = {
            "model_name": values.check_name(model_name, "model name"),
            "model_path": None if model_path is None else check_file_name(model_path, folder=True),
            "tags": {str(key): str(value) for key, value in dict(tags or {}).items()},
            "properties": {str(key): str(value) for key, value in dict(properties or {}).items()},
            "description": description,
            "framework": None if model_framework is None else str(model_framework),
            "framework_version": None if model_framework_version is None else str(model_framework_version),
            "datasets": dataset_uses(datasets),
            "request_id": os.urandom(16).hex(),
        }
        return RegisteredModel(self._ask("register_model", arguments, TRANSFER_S))


def dataset_uses(datasets: Any) -> list[dict[str, str]]:
    """(What for, dataset) pairs as `name` and `id`. A dataset is an object with an id, or the id itself.

    Raises UserErrorException for anything else.
    """
    found = []
    for pair in datasets or ():
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            raise UserErrorException(
                "datasets holds {}. Use pairs, such as ('training', dataset).".format(repr(pair)[:80])
            )
        name, dataset = pair
        known = dataset if isinstance(dataset, str) else getattr(dataset, "id", None)
        if not isinstance(known, str) or not known:
            raise UserErrorException(
                "The dataset of {!r} has no id: {}. Register the dataset first.".format(
                    str(name)[:80], repr(dataset)[:80]
                )
            )
        found.append({"name": str(name), "id": known})
    return found
