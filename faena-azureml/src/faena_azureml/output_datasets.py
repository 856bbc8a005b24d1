"""v1's OutputFileDatasetConfig: a folder that a script fills and that a datastore keeps."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from faena.client.data.data_reference import DataReference, DataReferenceConfiguration
from faena.kernel.errors import UserErrorException
from faena.runs.submission_schemas import DataInput
from faena_azureml.not_covered import refusal

_DEFAULT_STORE = "workspaceblobstore"
_DEFAULT_PATH = "dataset/{run-id}/{output-name}"
_NAME = "azureml.data.OutputFileDatasetConfig"


class OutputFileDatasetConfig:
    """An argument of a script, which gets the path of an empty folder; what it leaves there goes to a datastore.

    `name`: names the environment variable (default: made up). `destination`: a pair (datastore, 'path'), in which
    `{run-id}` and `{output-name}` are filled in; default: a folder of the run's own in the default datastore.

    Raises UserErrorException for another destination, NotCovered for what belongs to pipelines.
    """

    def __init__(
        self,
        name: str | None = None,
        destination: tuple[Any, str] | None = None,
        source: str | None = None,
        partition_format: str | None = None,
    ) -> None:
        if source is not None:
            refusal(f"{_NAME}.source")()
        if partition_format is not None:
            refusal(f"{_NAME}.partition_format")()
        if destination is not None and not (isinstance(destination, Sequence) and len(destination) == 2):
            raise UserErrorException(f"destination is {destination!r}. Use a pair (datastore, 'path').")
        self.name = name or f"output_{uuid.uuid4().hex[:8]}"
        self.destination = destination
        self._overwrite = True

    def as_mount(self, disable_metadata_cache: bool = False) -> OutputFileDatasetConfig:
        """What the script leaves is brought to the datastore when it has ended, in place of what is there."""
        return OutputFileDatasetConfig(self.name, self.destination)

    def as_upload(self, overwrite: bool = False, source_globs: Any = None) -> OutputFileDatasetConfig:
        """`overwrite`: whether files that the datastore has are replaced."""
        if source_globs is not None:
            refusal(f"{_NAME}.as_upload.source_globs")()
        made = OutputFileDatasetConfig(self.name, self.destination)
        made._overwrite = bool(overwrite)
        return made

    register_on_complete = refusal(f"{_NAME}.register_on_complete")
    as_input = refusal(f"{_NAME}.as_input")
    read_delimited_files = refusal(f"{_NAME}.read_delimited_files")
    read_parquet_files = refusal(f"{_NAME}.read_parquet_files")

    def data_input(self) -> DataInput:
        """What is sent with a submission. Raises UserErrorException for a name or path that cannot be one."""
        store, path = self.destination or (None, _DEFAULT_PATH)
        path = path.replace("{output-name}", self.name)
        if store is not None:
            return DataReference(store, self.name, path, "upload", overwrite=self._overwrite).data_input()
        return DataReferenceConfiguration(
            _DEFAULT_STORE, "upload", path, overwrite=self._overwrite, name=self.name
        ).data_input()

    def __repr__(self) -> str:
        return f"OutputFileDatasetConfig(name={self.name!r}, destination={self.destination!r})"
