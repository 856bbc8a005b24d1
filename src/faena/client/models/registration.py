"""Gives files a version of a model: files of a run, or of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from faena.client.wire import texts
from faena.client.workspaces.session import Session
from faena.kernel import ids
from faena.kernel.errors import WebserviceException
from faena.models.schemas import DatasetUse, LocalRegistration, ModelView, Registration
from faena.script.registering import dataset_uses
from faena.script.uploads import without_dot

SAMPLE_INPUT, SAMPLE_OUTPUT = "sample_input_dataset", "sample_output_dataset"
"""What samples are kept for, among the datasets that a model was made with."""


def of_run(
    workspace: Session,
    run_id: str,
    model_name: str,
    model_path: str | None,
    *,
    request_id: str | None = None,
    **described: Any,
) -> ModelView:
    """`described`: the keywords of `_described`. The same request again gives the same version."""
    path = without_dot(os.fspath(model_path or model_name))
    registration = Registration(run_id=run_id, path=path, **_described(**described))
    name = ids.check_model_name(model_name)
    return workspace.api.models.register(name, request_id or ids.new_request_id(), registration)


def of_path(
    workspace: Session,
    path: str | os.PathLike[str],
    model_name: str,
    child_paths: Sequence[str | os.PathLike[str]] | None = None,
    *,
    request_id: str | None = None,
    **described: Any,
) -> ModelView:
    """A file or folder of this machine; the server takes it where it lies."""
    name = ids.check_model_name(model_name)
    if not os.fspath(path):
        raise WebserviceException("model_path is empty. Give the model's file or folder.")
    place = os.path.abspath(Path(path).expanduser())  # noqa: PTH100  `..` is to go
    if isinstance(child_paths, (str, os.PathLike)):
        raise WebserviceException(
            f"child_paths is {str(child_paths)[:80]!r}. Use a list of paths below model_path."
        )
    children = tuple(os.fspath(child) for child in child_paths or ())
    registration = LocalRegistration(path=_encodable(place), child_paths=children, **_described(**described))
    return workspace.api.models.register(name, request_id or ids.new_request_id(), registration)


def _described(
    *,
    tags: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    description: str | None = None,
    framework: str | None = None,
    framework_version: str | None = None,
    datasets: Iterable[Any] | None = None,
) -> dict[str, Any]:
    return {
        "tags": texts(tags, "tags"),
        "properties": texts(properties, "properties"),
        "description": description or "",
        "framework": str(framework or ""),
        "framework_version": str(framework_version or ""),
        "datasets": tuple(DatasetUse(**use) for use in dataset_uses(datasets)),
    }


def with_samples(datasets: Iterable[Any] | None, sample_input: Any, sample_output: Any) -> list[Any]:
    """v1's samples of a model's input and output, kept with the other datasets of its lineage."""
    samples = ((SAMPLE_INPUT, sample_input), (SAMPLE_OUTPUT, sample_output))
    return [*(datasets or ()), *((name, sample) for name, sample in samples if sample is not None)]


def _encodable(path: str) -> str:
    """Raises WebserviceException for a path that cannot be sent."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise WebserviceException(f"{os.fsencode(path)!r} is not UTF-8. Rename the file or folder.") from None
    return path
